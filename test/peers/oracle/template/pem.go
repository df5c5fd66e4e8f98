package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"text/template"
)

var pemFunctions = template.FuncMap{
	"filterPEM":       filterPEM,
	"filterCertChain": filterCertChain,
	"certSANs":        certSANs,
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func certificateTexts(certificates []*x509.Certificate) string {
	var all strings.Builder
	for _, certificate := range certificates {
		all.WriteString(pemText("CERTIFICATE", certificate.Raw))
	}
	return all.String()
}

// fromFirstBlock drops what stands before the first block: Go's own decoder no longer looks behind junk on its line.
func fromFirstBlock(text string) []byte {
	if at := strings.Index(text, "-----BEGIN"); at > 0 {
		text = text[at:]
	}
	return []byte(text)
}

func filterPEM(kind, text string) (string, error) {
	var kept bytes.Buffer
	rest := fromFirstBlock(text)
	for {
		block, after := pem.Decode(rest)
		rest = after
		if block == nil {
			break
		}
		if !strings.EqualFold(kind, block.Type) {
			continue
		}
		if err := pem.Encode(&kept, block); err != nil {
			return "", err
		}
	}
	if kept.Len() == 0 && len(rest) > 0 {
		return "", errors.New("error filtering pem: found junk")
	}
	return kept.String(), nil
}

// parseCertificates reads every block as a certificate; what follows the last block is ignored.
func parseCertificates(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, certificate)
	}
	return all, nil
}

// ordered puts the certificates of one chain in the order leaf to root, by their key identifiers alone.
func ordered(certificates []*x509.Certificate) ([]*x509.Certificate, error) {
	issuer := make([]int, len(certificates))
	signs := make([]bool, len(certificates))
	for i, own := range certificates {
		issuer[i] = -1
		for j, other := range certificates {
			if i != j && bytes.Equal(own.AuthorityKeyId, other.SubjectKeyId) {
				issuer[i], signs[j] = j, true
				break
			}
		}
	}
	leaf := -1
	for i := range certificates {
		switch {
		case signs[i]:
		case leaf >= 0:
			return nil, errors.New("found multiple leaf or disjunct certificates")
		default:
			leaf = i
		}
	}
	if leaf < 0 {
		return nil, errors.New("no leaf certificate found")
	}
	var chain []*x509.Certificate
	for at := leaf; at >= 0; at = issuer[at] {
		if len(chain) == len(certificates) {
			return nil, errors.New("constructing chain resulted in cycle")
		}
		chain = append(chain, certificates[at])
	}
	return chain, nil
}

// isRoot tells a certificate that names no issuer's key, or its own.
func isRoot(certificate *x509.Certificate) bool {
	return certificate.AuthorityKeyId == nil || bytes.Equal(certificate.AuthorityKeyId, certificate.SubjectKeyId)
}

func filterCertChain(part, text string) (string, error) {
	certificates, err := parseCertificates([]byte(text))
	if err != nil {
		return "", err
	}
	chain, err := ordered(certificates)
	if err != nil {
		return "", err
	}
	var kept []*x509.Certificate
	first, last := chain[0], chain[len(chain)-1]
	switch {
	case part == "leaf" && !isRoot(first):
		kept = chain[:1]
	case part == "root" && isRoot(last):
		kept = chain[len(chain)-1:]
	case part == "intermediate":
		for _, certificate := range chain[1:] {
			if isRoot(certificate) {
				break
			}
			kept = append(kept, certificate)
		}
	}
	return certificateTexts(kept), nil
}

func certSANs(text string) ([]string, error) {
	block, _ := pem.Decode(fromFirstBlock(text))
	if block == nil {
		return nil, errors.New("failed to decode PEM block")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("failed to parse certificate: %w", err)
	}
	names := append([]string{}, certificate.DNSNames...)
	for _, address := range certificate.IPAddresses {
		names = append(names, address.String())
	}
	names = append(names, certificate.EmailAddresses...)
	for _, uri := range certificate.URIs {
		names = append(names, uri.String())
	}
	return names, nil
}
