package testmail

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// TokenServer is an OAuth 2.0 server on loopback: it trades refresh tokens for
// access tokens that expire (RFC 6749 section 6) and tells servers whose they
// are (RFC 7662). Its methods may be called from several goroutines.
type TokenServer struct {
	l    net.Listener
	http *http.Server

	mu      sync.Mutex
	life    time.Duration
	access  map[string]grant
	refresh map[string]string // token -> user
	asked   int
}

type grant struct {
	user    string
	expires time.Time
}

// StartTokenServer starts a server whose access tokens live as long as life.
func StartTokenServer(life time.Duration) (*TokenServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("testmail: %w", err)
	}
	s := &TokenServer{l: l, life: life, access: map[string]grant{}, refresh: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /introspect", s.introspect)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: startTimeout}
	go func() { _ = s.http.Serve(l) }() // ends with Close
	return s, nil
}

// Close ends the server.
func (s *TokenServer) Close() error { return s.http.Close() }

// TokenURL is where refresh tokens are traded.
func (s *TokenServer) TokenURL() string { return "http://" + s.l.Addr().String() + "/token" }

// IntrospectionURL is where servers ask about access tokens.
func (s *TokenServer) IntrospectionURL() string {
	return "http://" + s.l.Addr().String() + "/introspect"
}

// Grant returns a refresh token for a user, as a consent would.
func (s *TokenServer) Grant(user string) (refresh string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refresh = rand.Text()
	s.refresh[refresh] = user
	return refresh
}

// Issue returns an access token for a user without a round trip.
func (s *TokenServer) Issue(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := rand.Text()
	s.access[token] = grant{user: user, expires: time.Now().Add(s.life)}
	return token
}

// Expire makes all access tokens that were issued so far expire now. Refresh
// tokens stay.
func (s *TokenServer) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
}

// Revoke ends all grants of a user.
func (s *TokenServer) Revoke(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t, u := range s.refresh {
		if u == user {
			delete(s.refresh, t)
		}
	}
	for t, g := range s.access {
		if g.user == user {
			delete(s.access, t)
		}
	}
}

// Asked returns how often a server asked about an access token.
func (s *TokenServer) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *TokenServer) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	user, ok := s.refresh[r.PostFormValue("refresh_token")]
	s.mu.Unlock()
	if !ok || r.PostFormValue("grant_type") != "refresh_token" {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": s.Issue(user), "token_type": "Bearer", "expires_in": int(s.life.Seconds()),
	})
}

func (s *TokenServer) introspect(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked++
	g, ok := s.access[r.PostFormValue("token")]
	s.mu.Unlock()
	if !ok || !time.Now().Before(g.expires) {
		answer(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	answer(w, http.StatusOK, map[string]any{"active": true, "username": g.user, "exp": g.expires.Unix()})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a peer that left needs no answer
}
