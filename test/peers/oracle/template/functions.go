package main

import (
	"encoding/hex"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

// functions is what a template of ESO's may name: sprig without what reads the environment or asks the network, and
// ESO's own.
var functions = func() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, name)
	}
	for _, family := range []template.FuncMap{textFunctions, pemFunctions, pkcs12Functions, keyFunctions} {
		for name, function := range family {
			all[name] = function
		}
	}
	return all
}()

var textFunctions = template.FuncMap{
	// A text that is not hexadecimal gives the error's text, as sprig's decoders do.
	"hexdec": func(text string) string {
		decoded, err := hex.DecodeString(text)
		if err != nil {
			return err.Error()
		}
		return string(decoded)
	},
	"toYaml": func(value any) string {
		document, err := yaml.Marshal(value)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(document), "\n")
	},
	"fromYaml": func(document string) map[string]any {
		found := map[string]any{}
		if err := yaml.Unmarshal([]byte(document), &found); err != nil {
			found["Error"] = err.Error()
		}
		return found
	},
}
