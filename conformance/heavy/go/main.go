// An application with golang.org/x/oauth2 and go-oidc, as their documentation has it: /login sends the person away, /callback
// redeems the code, verifies the ID token, asks userinfo, and refreshes.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What stands on standard input.
type settings struct {
	Issuer   string   `json:"issuer"`
	ID       string   `json:"client_id"`
	Secret   string   `json:"client_secret"`
	Scopes   []string `json:"scopes"`
	Resource string   `json:"resource"`
	Listen   string   `json:"listen"`
}

type application struct {
	settings settings
	provider *oidc.Provider
	config   oauth2.Config

	mutex    sync.Mutex
	verifier string
	state    string
	nonce    string
}

func main() {
	var given settings
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fail(err)
	}
	provider, err := oidc.NewProvider(context.Background(), given.Issuer)
	if err != nil {
		fail(err)
	}
	app := &application{settings: given, provider: provider}
	app.config = oauth2.Config{
		ClientID:     given.ID,
		ClientSecret: given.Secret,
		Endpoint:     provider.Endpoint(),
		RedirectURL:  fmt.Sprintf("http://%s/callback", given.Listen),
		Scopes:       given.Scopes,
	}
	http.HandleFunc("/login", app.login)
	http.HandleFunc("/callback", app.callback)
	fmt.Println("ready")
	fail(http.ListenAndServe(given.Listen, nil))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func (app *application) login(response http.ResponseWriter, request *http.Request) {
	app.mutex.Lock()
	defer app.mutex.Unlock()
	app.verifier = oauth2.GenerateVerifier()
	app.state, app.nonce = oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(app.verifier), oidc.Nonce(app.nonce)}
	if app.settings.Resource != "" {
		options = append(options, oauth2.SetAuthURLParam("resource", app.settings.Resource))
	}
	http.Redirect(response, request, app.config.AuthCodeURL(app.state, options...), http.StatusFound)
}

func (app *application) callback(response http.ResponseWriter, request *http.Request) {
	app.mutex.Lock()
	defer app.mutex.Unlock()
	said, err := app.redeem(request)
	if err != nil {
		response.WriteHeader(http.StatusBadGateway)
		said = why(err)
	}
	_ = json.NewEncoder(response).Encode(said)
}

// An OAuth error of the server by its code; all else is what the libraries, or this application, do not take.
func why(err error) map[string]any {
	var redirected refusal
	if errors.As(err, &redirected) {
		return map[string]any{"refused": string(redirected)}
	}
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) {
		return map[string]any{"refused": answered.ErrorCode, "status": answered.Response.StatusCode}
	}
	return map[string]any{"error": err.Error()}
}

// The `error` of a redirect.
type refusal string

func (code refusal) Error() string { return string(code) }

func (app *application) redeem(request *http.Request) (map[string]any, error) {
	query := request.URL.Query()
	if query.Get("state") != app.state {
		return nil, fmt.Errorf("another state")
	}
	if code := query.Get("error"); code != "" {
		return nil, refusal(code)
	}
	token, err := app.config.Exchange(request.Context(), query.Get("code"), oauth2.VerifierOption(app.verifier))
	if err != nil {
		return nil, err
	}
	said := map[string]any{"token_type": token.TokenType, "scope": token.Extra("scope")}
	if raw, there := token.Extra("id_token").(string); there {
		if err := app.identify(request.Context(), raw, token, said); err != nil {
			return nil, err
		}
	}
	if token.RefreshToken != "" {
		expired := *token
		expired.Expiry = time.Now().Add(-time.Minute)
		again, err := app.config.TokenSource(request.Context(), &expired).Token()
		if err != nil {
			return nil, err
		}
		said["refreshed"] = again.AccessToken != token.AccessToken
	}
	return said, nil
}

func (app *application) identify(ctx context.Context, raw string, token *oauth2.Token, said map[string]any) error {
	identity, err := app.provider.Verifier(&oidc.Config{ClientID: app.settings.ID}).Verify(ctx, raw)
	if err != nil {
		return err
	}
	if identity.Nonce != app.nonce {
		return fmt.Errorf("another nonce")
	}
	if err := identity.VerifyAccessToken(token.AccessToken); err != nil {
		return err
	}
	info, err := app.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return err
	}
	said["sub"], said["userinfo"] = identity.Subject, info.Subject
	return nil
}
