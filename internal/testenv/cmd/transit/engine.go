package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// key is a named key with its versions, the first being version 1.
type key struct {
	versions [][]byte
	least    int // version that is still decrypted with
	derived  bool
}

// body is what calls of the engine may carry.
type body struct {
	Plaintext  []byte `json:"plaintext"` // base64 in JSON, as is the context
	Ciphertext string `json:"ciphertext"`
	Context    []byte `json:"context"`
	Derived    bool   `json:"derived"`
	Least      int    `json:"min_decryption_version"`
}

func (s *server) engine(w http.ResponseWriter, r *http.Request, path string) {
	verb, name, _ := strings.Cut(path, "/")
	name, action, _ := strings.Cut(name, "/")
	var in body
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
			refuse(w, http.StatusBadRequest, "failed to parse JSON input")
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if verb == "keys" {
		s.administer(w, r.Method, name, action, in)
		return
	}
	k := s.keys[name]
	if k == nil {
		refuse(w, http.StatusBadRequest, "encryption key not found")
		return
	}
	data, err := k.perform(verb, in)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	answer(w, data)
}

// administer makes, shows, rotates and configures keys.
func (s *server) administer(w http.ResponseWriter, method, name, action string, in body) {
	k := s.keys[name]
	switch {
	case method == http.MethodPost && action == "":
		if k == nil {
			k = &key{least: 1, derived: in.Derived}
			k.rotate()
			s.keys[name] = k
		}
	case k == nil:
		refuse(w, http.StatusNotFound, "")
		return
	case method == http.MethodPost && action == "rotate":
		k.rotate()
	case method == http.MethodPost && action == "config":
		k.least = in.Least
	}
	answer(w, map[string]any{"type": "aes256-gcm96", "derived": k.derived, "latest_version": len(k.versions),
		"min_decryption_version": k.least, "supports_encryption": true, "supports_decryption": true})
}

func (k *key) rotate() {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh)
	k.versions = append(k.versions, fresh)
}

func (k *key) perform(verb string, in body) (map[string]any, error) {
	if k.derived && len(in.Context) == 0 {
		return nil, errors.New("missing 'context' for key derivation")
	}
	switch verb {
	case "encrypt":
		text, err := k.encrypt(in.Plaintext, in.Context)
		return map[string]any{"ciphertext": text, "key_version": len(k.versions)}, err
	case "decrypt":
		plain, err := k.decrypt(in.Ciphertext, in.Context)
		return map[string]any{"plaintext": plain}, err
	case "rewrap":
		plain, err := k.decrypt(in.Ciphertext, in.Context)
		if err != nil {
			return nil, err
		}
		text, err := k.encrypt(plain, in.Context)
		return map[string]any{"ciphertext": text, "key_version": len(k.versions)}, err
	}
	return nil, fmt.Errorf("unsupported path %q", verb)
}

// aead is the cipher of one version for one context. Without derivation the context counts for nothing.
func (k *key) aead(version int, context []byte) (cipher.AEAD, error) {
	secret := k.versions[version-1]
	if k.derived {
		var err error
		if secret, err = hkdf.Key(sha256.New, secret, nil, string(context), 32); err != nil {
			return nil, err
		}
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (k *key) encrypt(plain, context []byte) (string, error) {
	aead, err := k.aead(len(k.versions), context)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce)
	return fmt.Sprintf("vault:v%d:%s", len(k.versions), base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, nil))), nil
}

func (k *key) decrypt(text string, context []byte) ([]byte, error) {
	rest, ok := strings.CutPrefix(text, "vault:v")
	if !ok {
		return nil, errors.New("invalid ciphertext: no prefix")
	}
	digits, rest, _ := strings.Cut(rest, ":")
	version, err := strconv.Atoi(digits)
	switch {
	case err != nil || version < 1:
		return nil, errors.New("invalid ciphertext: version number could not be decoded")
	case version > len(k.versions):
		return nil, errors.New("invalid ciphertext: version is too new")
	case version < k.least:
		return nil, errors.New("ciphertext or signature version is disallowed by policy (too old)")
	}
	data, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return nil, errors.New("invalid ciphertext: could not decode base64")
	}
	aead, err := k.aead(version, context)
	if err != nil {
		return nil, err
	}
	if len(data) < aead.NonceSize() {
		return nil, errors.New("invalid ciphertext length")
	}
	plain, err := aead.Open(nil, data[:aead.NonceSize()], data[aead.NonceSize():], nil)
	if err != nil {
		return nil, errors.New("cipher: message authentication failed")
	}
	return plain, nil
}
