// Command argocd-notifications does what Argo CD's notifications controller does with an Application: it runs a trigger, and prints the messages of
// its templates. The configuration is a ConfigMap in a file, the Application is JSON on standard input. It prints nothing if the trigger does not fire.
//
//	argocd-notifications CONFIGMAP TRIGGER < APPLICATION
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/argoproj/notifications-engine/pkg/api"
	"github.com/argoproj/notifications-engine/pkg/services"
	v1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file, trigger string) error {
	var configMap v1.ConfigMap
	var application map[string]any
	text, err := os.ReadFile(file)
	if err == nil {
		err = yaml.UnmarshalStrict(text, &configMap)
	}
	if err == nil {
		err = json.NewDecoder(os.Stdin).Decode(&application)
	}
	if err != nil {
		return err
	}
	config, err := api.ParseConfig(&configMap, &v1.Secret{})
	if err != nil {
		return err
	}
	context := map[string]string{}
	if err := yaml.Unmarshal([]byte(configMap.Data["context"]), &context); err != nil {
		return err
	}
	engine, err := api.NewAPI(*config, func(object map[string]any, _ services.Destination) map[string]any {
		return map[string]any{"app": object, "context": context}
	})
	if err != nil {
		return err
	}
	engine.AddNotificationService("console", services.NewConsoleService(os.Stdout))
	results, err := engine.RunTrigger(trigger, application)
	for _, result := range results {
		if result.Triggered && err == nil {
			err = engine.Send(application, result.Templates, services.Destination{Service: "console"})
		}
	}
	return err
}
