package main

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"text/template"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"software.sslmate.com/src/go-pkcs12"
)

var pkcs12Functions = template.FuncMap{
	"pkcs12key":           func(file string) (string, error) { return keyIn("", file) },
	"pkcs12keyPass":       keyIn,
	"pkcs12cert":          func(file string) (string, error) { return certificatesIn("", file) },
	"pkcs12certPass":      certificatesIn,
	"pemToPkcs12":         func(cert, key string) (string, error) { return fileOf(cert, key, "", false) },
	"pemToPkcs12Pass":     func(cert, key, password string) (string, error) { return fileOf(cert, key, password, false) },
	"fullPemToPkcs12":     func(chain, key string) (string, error) { return fileOf(chain, key, "", true) },
	"fullPemToPkcs12Pass": func(chain, key, password string) (string, error) { return fileOf(chain, key, password, true) },
	"pemTruststoreToPKCS12": func(certificates string) (string, error) {
		return trustStoreOf(certificates, "")
	},
	"pemTruststoreToPKCS12Pass": trustStoreOf,
}

var keyFunctions = template.FuncMap{
	"jwkPublicKeyPem":  func(text string) (string, error) { return jwkText(text, "PUBLIC KEY", x509.MarshalPKIXPublicKey) },
	"jwkPrivateKeyPem": func(text string) (string, error) { return jwkText(text, "PRIVATE KEY", x509.MarshalPKCS8PrivateKey) },
	"rsaDecrypt":       rsaDecrypt,
}

func keyIn(password, file string) (string, error) {
	key, _, _, err := pkcs12.DecodeChain([]byte(file), password)
	if err != nil {
		return "", fmt.Errorf("unable to decode pkcs12 with password: %s", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return pemText("PRIVATE KEY", der), nil
}

func certificatesIn(password, file string) (string, error) {
	_, own, others, err := pkcs12.DecodeChain([]byte(file), password)
	if err != nil {
		return "", fmt.Errorf("unable to decode pkcs12 certificate with password: %s", err)
	}
	all := append([]*x509.Certificate{own}, others...)
	// No one chain: the order of the file.
	if chain, err := ordered(all); err == nil {
		all = chain
	}
	return certificateTexts(all), nil
}

// allCertificates reads the text to its end: unlike parseCertificates it does not survive junk behind the last block.
func allCertificates(rest []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for len(rest) > 0 {
		block, after := pem.Decode(rest)
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all, rest = append(all, certificate), after
	}
	return all, nil
}

func fileOf(certificates, key, password string, withChain bool) (string, error) {
	block, rest := pem.Decode([]byte(certificates))
	own, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	var others []*x509.Certificate
	if withChain {
		if others, err = allCertificates(rest); err != nil {
			return "", err
		}
	}
	keyBlock, _ := pem.Decode([]byte(key))
	parsed, err := privateKey(keyBlock.Bytes)
	if err != nil {
		return "", err
	}
	return inBase64(pkcs12.Modern.Encode(parsed, own, others, password))
}

func trustStoreOf(certificates, password string) (string, error) {
	all, err := allCertificates([]byte(certificates))
	if err != nil {
		return "", err
	}
	return inBase64(pkcs12.Modern.EncodeTrustStore(all, password))
}

func inBase64(file []byte, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(file), nil
}

func privateKey(der []byte) (any, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errors.New("unable to parse private key type")
}

func jwkText(text, kind string, marshal func(any) ([]byte, error)) (string, error) {
	key, err := jwk.ParseKey([]byte(text))
	if err != nil {
		return "", err
	}
	var raw any
	if err := key.Raw(&raw); err != nil {
		return "", err
	}
	der, err := marshal(raw)
	if err != nil {
		return "", err
	}
	return pemText(kind, der), nil
}

func rsaDecrypt(scheme, digest, ciphertext, key string) (string, error) {
	if scheme == "None" {
		return ciphertext, nil
	}
	if scheme != "RSA-OAEP" {
		return "", fmt.Errorf("decryption scheme %v is not supported", scheme)
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return "", errors.New("failed to decode PEM block")
	}
	parsed, err := privateKey(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("could not parse private key: %v", err)
	}
	own, isRSA := parsed.(*rsa.PrivateKey)
	if !isRSA {
		return "", errors.New("could not parse RSA private key")
	}
	digests := map[string]func() hash.Hash{"SHA1": sha1.New, "SHA512": sha512.New}
	newDigest, known := digests[digest]
	if !known {
		newDigest = sha256.New
	}
	plain, err := rsa.DecryptOAEP(newDigest(), nil, own, []byte(ciphertext), nil)
	if err != nil {
		return "", fmt.Errorf("error decrypting data with RSA: %v", err)
	}
	return string(plain), nil
}
