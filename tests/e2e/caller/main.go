// A client of the operator's API, for a pod: it trusts /images/ca.crt and sends the token of /images/token.
//
//	caller                  waits, so that a pod stays
//	caller URL [ADDRESS]    sends one request, to ADDRESS if there is one, and prints {"code", "age", "body"}
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type answer struct {
	Code int    `json:"code"`
	Age  string `json:"age"`
	Body string `json:"body"`
}

func main() {
	if len(os.Args) < 2 {
		wait()
		return
	}
	found, err := ask(os.Args[1], strings.Join(os.Args[2:], ""))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		os.Exit(1)
	}
}

func wait() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
}

func ask(url, address string) (answer, error) {
	authority, err := os.ReadFile("/images/ca.crt")
	if err != nil {
		return answer{}, err
	}
	token, err := os.ReadFile("/images/token")
	if err != nil {
		return answer{}, err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Authorization", "Bearer "+string(token))
	response, err := client(trusted, address).Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Age"), string(body)}, err
}

// The name of the URL is verified, whatever the address is.
func client(trusted *x509.CertPool, address string) *http.Client {
	dial := func(ctx context.Context, network, named string) (net.Conn, error) {
		if address != "" {
			named = address
		}
		return (&net.Dialer{}).DialContext(ctx, network, named)
	}
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: trusted}}}
}
