// A vault on loopback around the server side that Azure generates for its Go library: that side reads the requests and
// writes the answers, so both have the shape that Azure's own description of the interface gives them. What is ours is
// what it keeps, who may read, the token endpoint, and the words of the errors.
//
// Prints one JSON line, {"url", "ca"}, when it listens; ends with its standard input.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	keysfake "github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	secretsfake "github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets/fake"
)

const (
	resource = "https://vault.azure.net"
	pageSize = 2
)

type vault struct {
	sync.Mutex
	url     string
	secrets map[string][]azsecrets.Secret
	names   []string
	clients map[string]string // by token
}

func main() {
	v := &vault{secrets: map[string][]azsecrets.Secret{}, clients: map[string]string{}}
	secrets := secretsfake.NewServerTransport(&secretsfake.Server{GetSecret: v.getSecret, SetSecret: v.setSecret})
	keys := keysfake.NewServerTransport(&keysfake.Server{GetKey: v.getKey})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", v.login)
	mux.Handle("GET /secrets", v.guarded(v.list))
	mux.Handle("GET /secrets/{name}/{version...}", v.guarded(serve(secrets, "Client.GetSecret")))
	mux.Handle("PUT /secrets/{name}", v.guarded(serve(secrets, "Client.SetSecret")))
	mux.Handle("GET /keys/{name}/{version...}", v.guarded(serve(keys, "Client.GetKey")))
	server := httptest.NewUnstartedServer(mux)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	v.url = server.URL
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	json.NewEncoder(os.Stdout).Encode(map[string]string{"url": server.URL, "ca": string(ca)})
	io.Copy(io.Discard, os.Stdin)
}

// Applications whose secret is secret-ID, or who show any assertion; an id with "stranger" in it may read nothing.
func (v *vault) login(w http.ResponseWriter, r *http.Request) {
	id, secret := r.FormValue("client_id"), r.FormValue("client_secret")
	if r.FormValue("scope") != resource+"/.default" || r.FormValue("grant_type") != "client_credentials" {
		answer(w, 400, map[string]any{"error": "invalid_resource", "error_codes": []int{500011}})
	} else if secret != "secret-"+id && r.FormValue("client_assertion") == "" {
		answer(w, 401, map[string]any{"error": "invalid_client", "error_codes": []int{7000215}})
	} else {
		v.Lock()
		defer v.Unlock()
		token := fmt.Sprintf("token-%d", len(v.clients))
		v.clients[token] = id
		answer(w, 200, map[string]any{"token_type": "Bearer", "expires_in": 3599, "access_token": token})
	}
}

func (v *vault) guarded(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.Lock()
		defer v.Unlock()
		client, known := v.clients[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if !known {
			challenge := fmt.Sprintf(`Bearer authorization="%s/tenant", resource="%s"`, v.url, resource)
			w.Header().Set("WWW-Authenticate", challenge)
			refuse(w, 401, "Unauthorized", "")
		} else if strings.Contains(client, "stranger") {
			refuse(w, 403, "Forbidden", "ForbiddenByRbac")
		} else if r.URL.Query().Get("api-version") == "" {
			refuse(w, 400, "BadParameter", "")
		} else {
			next(w, r)
		}
	})
}

type transport interface {
	Do(*http.Request) (*http.Response, error)
}

// The generated side is made for clients in one process: it is told by the context what is asked for.
func serve(to transport, api string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host = "https", r.Host
		response, err := to.Do(r.WithContext(context.WithValue(r.Context(), runtime.CtxAPINameKey{}, api)))
		var refused *azcore.ResponseError
		if errors.As(err, &refused) {
			code, inner, _ := strings.Cut(refused.ErrorCode, "/")
			refuse(w, refused.StatusCode, code, inner)
			return
		}
		if err != nil {
			refuse(w, 500, "InternalError", "")
			fmt.Fprintln(os.Stderr, err)
			return
		}
		defer response.Body.Close()
		for name, values := range response.Header {
			w.Header()[name] = values
		}
		w.Header().Set("X-Ms-Request-Id", "0c1d2e3f-1111")
		w.WriteHeader(response.StatusCode)
		io.Copy(w, response.Body)
	}
}

func (v *vault) getSecret(_ context.Context, name, version string, _ *azsecrets.GetSecretOptions) (ok azfake.Responder[azsecrets.GetSecretResponse], no azfake.ErrorResponder) {
	versions := v.secrets[name]
	for i := len(versions) - 1; i >= 0; i-- {
		if version != "" && versions[i].ID.Version() != version {
			continue
		}
		if !*versions[i].Attributes.Enabled {
			no.SetResponseError(403, "Forbidden/SecretDisabled")
		} else {
			ok.SetResponse(200, azsecrets.GetSecretResponse{Secret: versions[i]}, nil)
		}
		return
	}
	no.SetResponseError(404, "SecretNotFound")
	return
}

func (v *vault) setSecret(_ context.Context, name string, given azsecrets.SetSecretParameters, _ *azsecrets.SetSecretOptions) (ok azfake.Responder[azsecrets.SetSecretResponse], _ azfake.ErrorResponder) {
	id := azsecrets.ID(fmt.Sprintf("%s/secrets/%s/%032d", v.url, name, len(v.secrets[name])+1))
	at := time.Unix(1700000000, 0)
	attributes := azsecrets.SecretAttributes{Enabled: to.Ptr(true)}
	if given.SecretAttributes != nil {
		attributes = *given.SecretAttributes
	}
	if attributes.Enabled == nil {
		attributes.Enabled = to.Ptr(true)
	}
	attributes.Created, attributes.Updated, attributes.RecoveryLevel = &at, &at, to.Ptr("Recoverable")
	made := azsecrets.Secret{ID: &id, Value: given.Value, ContentType: given.ContentType, Tags: given.Tags, Attributes: &attributes}
	if len(v.secrets[name]) == 0 {
		v.names = append(v.names, name)
	}
	v.secrets[name] = append(v.secrets[name], made)
	ok.SetResponse(200, azsecrets.SetSecretResponse{Secret: made}, nil)
	return
}

// The generated pager keeps its place across clients, so pages are made here, of the generated types.
func (v *vault) list(w http.ResponseWriter, r *http.Request) {
	from := 0
	fmt.Sscan(r.URL.Query().Get("$skiptoken"), &from)
	page := azsecrets.SecretPropertiesListResult{Value: []*azsecrets.SecretProperties{}}
	for _, name := range v.names[min(from, len(v.names)):min(from+pageSize, len(v.names))] {
		last := v.secrets[name][len(v.secrets[name])-1]
		bare := regexp.MustCompile(`/[^/]*$`).ReplaceAllString(string(*last.ID), "")
		page.Value = append(page.Value, &azsecrets.SecretProperties{
			ID: to.Ptr(azsecrets.ID(bare)), Attributes: last.Attributes, ContentType: last.ContentType, Tags: last.Tags,
		})
	}
	if from+pageSize < len(v.names) {
		version := r.URL.Query().Get("api-version")
		page.NextLink = to.Ptr(fmt.Sprintf("%s/secrets?api-version=%s&$skiptoken=%d", v.url, version, from+pageSize))
	}
	answer(w, 200, page)
}

func (v *vault) getKey(_ context.Context, path, _ string, _ *azkeys.GetKeyOptions) (ok azfake.Responder[azkeys.GetKeyResponse], no azfake.ErrorResponder) {
	// The generated side takes the version for a part of the name.
	if name, version, _ := strings.Cut(path, "/"); name != "signing" || strings.Trim(version, "01") != "" {
		no.SetResponseError(404, "KeyNotFound")
		return
	}
	at := time.Unix(1700000000, 0)
	ok.SetResponse(200, azkeys.GetKeyResponse{KeyBundle: azkeys.KeyBundle{
		Key: &azkeys.JSONWebKey{
			KID: to.Ptr(azkeys.ID(fmt.Sprintf("%s/keys/signing/%032d", v.url, 1))),
			Kty: to.Ptr(azkeys.KeyTypeRSA), N: []byte{0xc3, 1, 2}, E: []byte{1, 0, 1},
			KeyOps: []*azkeys.KeyOperation{to.Ptr(azkeys.KeyOperationSign)},
		},
		Attributes: &azkeys.KeyAttributes{Enabled: to.Ptr(true), Created: &at, Updated: &at, RecoveryLevel: to.Ptr("Recoverable")},
		Tags:       map[string]*string{"use": to.Ptr("jwt")},
	}}, nil)
	return
}

func refuse(w http.ResponseWriter, status int, code, inner string) {
	about := map[string]any{"code": code, "message": "said by the vault"}
	if inner != "" {
		about["innererror"] = map[string]string{"code": inner}
	}
	answer(w, status, map[string]any{"error": about})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
