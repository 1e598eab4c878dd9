// kstatus judges the objects of a list on standard input with Flux's build of kstatus: a line for each, with name, status and message.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func main() {
	if err := judgeAll(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
}

func judgeAll(input io.Reader) error {
	raw, err := io.ReadAll(input)
	if err != nil {
		return err
	}
	list := &unstructured.Unstructured{}
	// Not encoding/json, which makes a float of metadata.generation, and that kstatus refuses.
	if err := list.UnmarshalJSON(raw); err != nil {
		return err
	}
	return list.EachListItem(func(item runtime.Object) error {
		object := item.(*unstructured.Unstructured)
		result, err := status.Compute(object)
		if err == nil {
			fmt.Printf("%s\t%s\t%s\n", object.GetName(), result.Status, result.Message)
		}
		return err
	})
}
