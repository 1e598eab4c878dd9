// Command reader asks one thing of the API by the generated Go client. The question is JSON on standard input. On standard output is what the client
// has read, as the client itself writes it, or the refusal that it has read.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"time"

	"example.com/generated/pcluster"
)

// A question: where, what, and with which parameters. The names of operations and parameters are those of the specification.
type question struct {
	URL, Token, CA string

	Operation     string
	ImageID       string
	LogStreamName string
	ImageStatus   *string
	Region        *string
	NextToken     *string
	StartFromHead *bool
	Limit         *int32
	StartTime     *time.Time
	EndTime       *time.Time
}

type refusal struct {
	Status  int    `json:"status"`
	Model   string `json:"model"`
	Message string `json:"message"`
}

func main() {
	var asked question
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&asked)
	var client *pcluster.APIClient
	if err == nil {
		client, err = connect(asked)
	}
	var answer any
	if err == nil {
		answer, err = ask(client, asked)
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func connect(asked question) (*pcluster.APIClient, error) {
	config := pcluster.NewConfiguration()
	config.Servers = pcluster.ServerConfigurations{{URL: asked.URL}}
	if asked.Token != "" {
		config.AddDefaultHeader("Authorization", "Bearer "+asked.Token)
	}
	if asked.CA != "" {
		authority, err := os.ReadFile(asked.CA)
		if err != nil {
			return nil, err
		}
		trusted := x509.NewCertPool()
		if !trusted.AppendCertsFromPEM(authority) {
			return nil, fmt.Errorf("%s has no certificate", asked.CA)
		}
		config.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	}
	return pcluster.NewAPIClient(config), nil
}

func ask(client *pcluster.APIClient, asked question) (any, error) {
	images, logs, background := client.ImageOperationsAPI, client.ImageLogsAPI, context.Background()
	switch asked.Operation {
	case "describe_image":
		request := images.DescribeImage(background, asked.ImageID)
		set(&request, asked.Region, pcluster.ApiDescribeImageRequest.Region)
		return read(request.Execute())
	case "list_images":
		request := images.ListImages(background)
		if asked.ImageStatus != nil {
			request = request.ImageStatus(pcluster.ImageStatusFilteringOption(*asked.ImageStatus))
		}
		return readPage(request, asked)
	case "list_image_log_streams":
		return readPage(logs.ListImageLogStreams(background, asked.ImageID), asked)
	case "get_image_log_events":
		request := logs.GetImageLogEvents(background, asked.ImageID, asked.LogStreamName)
		set(&request, asked.StartFromHead, pcluster.ApiGetImageLogEventsRequest.StartFromHead)
		set(&request, asked.Limit, pcluster.ApiGetImageLogEventsRequest.Limit)
		set(&request, asked.StartTime, pcluster.ApiGetImageLogEventsRequest.StartTime)
		set(&request, asked.EndTime, pcluster.ApiGetImageLogEventsRequest.EndTime)
		return readPage(request, asked)
	case "get_image_stack_events":
		return readPage(logs.GetImageStackEvents(background, asked.ImageID), asked)
	}
	return nil, fmt.Errorf("%s is no operation that reads images", asked.Operation)
}

// A request R for a page, which is a T.
type paged[R, T any] interface {
	Region(string) R
	NextToken(string) R
	Execute() (*T, *http.Response, error)
}

// readPage reads the page that the question names.
func readPage[R paged[R, T], T any](request R, asked question) (map[string]any, error) {
	set(&request, asked.Region, R.Region)
	set(&request, asked.NextToken, R.NextToken)
	return read(request.Execute())
}

// set gives a request a parameter, if the question has it.
func set[R, V any](request *R, value *V, setter func(R, V) R) {
	if value != nil {
		*request = setter(*request, *value)
	}
}

// read returns the answer, or the refusal in its place. The model has no name if the specification does not have the status. A refusal whose body the
// client could not read is an error.
func read[T any](answer *T, response *http.Response, err error) (map[string]any, error) {
	var failure *pcluster.GenericOpenAPIError
	if err == nil {
		return map[string]any{"answer": answer}, nil
	}
	if response == nil || !errors.As(err, &failure) {
		return nil, err
	}
	if failure.Model() == nil {
		refused := refusal{Status: response.StatusCode}
		if failure.Error() != response.Status || json.Unmarshal(failure.Body(), &refused) != nil || refused.Message == "" {
			return nil, err
		}
		return map[string]any{"refusal": refused}, nil
	}
	model := reflect.ValueOf(failure.Model())
	message := reflect.Indirect(model.FieldByName("Message")).String()
	return map[string]any{"refusal": refusal{response.StatusCode, model.Type().Name(), message}}, nil
}
