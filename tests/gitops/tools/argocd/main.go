// argocd-health judges objects with a health.lua in Argo CD's own VM, under Argo CD's own limits: no libraries but its own, one second.
//
//	argocd-health HEALTH_LUA < objects.json     a line for each object: name, health, message
//	argocd-health -test DIRECTORY               runs the health_test.yaml of resource_customizations/GROUP/KIND, as Argo CD's own tests do
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/gitops-engine/pkg/health"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

type healthTest struct {
	Tests []struct {
		InputPath    string              `json:"inputPath"`
		HealthStatus health.HealthStatus `json:"healthStatus"`
	} `json:"tests"`
}

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "-test":
		err = test(os.Args[2])
	case len(os.Args) == 2:
		err = judgeAll(os.Args[1])
	default:
		err = fmt.Errorf("usage: argocd-health HEALTH_LUA < objects.json, or argocd-health -test DIRECTORY")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "argocd-health:", err)
		os.Exit(1)
	}
}

func judge(script string, object *unstructured.Unstructured) (*health.HealthStatus, error) {
	overrides := lua.ResourceHealthOverrides{lua.GetConfigMapKey(object.GroupVersionKind()): v1alpha1.ResourceOverride{HealthLua: script}}
	judged, err := overrides.GetResourceHealth(object)
	if err == nil && judged == nil {
		return nil, fmt.Errorf("%s: no health", object.GetName())
	}
	return judged, err
}

func judgeAll(path string) error {
	script, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	list := &unstructured.Unstructured{}
	if err := list.UnmarshalJSON(raw); err != nil {
		return err
	}
	return list.EachListItem(func(item runtime.Object) error {
		object := item.(*unstructured.Unstructured)
		judged, err := judge(string(script), object)
		if err == nil {
			fmt.Printf("%s\t%s\t%s\n", object.GetName(), judged.Status, judged.Message)
		}
		return err
	})
}

func test(directory string) error {
	script, err := os.ReadFile(filepath.Join(directory, "health.lua"))
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(directory, "health_test.yaml"))
	if err != nil {
		return err
	}
	cases := healthTest{}
	if err := yaml.UnmarshalStrict(raw, &cases); err != nil {
		return err
	}
	for _, each := range cases.Tests {
		raw, err := os.ReadFile(filepath.Join(directory, each.InputPath))
		if err != nil {
			return err
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(raw, &object.Object); err != nil {
			return err
		}
		judged, err := judge(string(script), object)
		if err != nil {
			return err
		}
		if *judged != each.HealthStatus {
			return fmt.Errorf("%s: %+v, expected %+v", each.InputPath, *judged, each.HealthStatus)
		}
		fmt.Printf("ok\t%s\n", each.InputPath)
	}
	if len(cases.Tests) == 0 {
		return fmt.Errorf("no test in %s", directory)
	}
	return nil
}
