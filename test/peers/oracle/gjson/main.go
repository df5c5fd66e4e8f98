// The real gjson, for comparison: reads {"json","path"} lines, writes {"exists","type","raw","str"} lines.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/tidwall/gjson"
)

type question struct {
	JSON string `json:"json"`
	Path string `json:"path"`
}

type answer struct {
	Exists bool   `json:"exists"`
	Type   string `json:"type"`
	Raw    string `json:"raw"`
	Str    string `json:"str"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 64*1024), 64*1024*1024)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			panic(err)
		}
		r := gjson.Get(q.JSON, q.Path)
		if err := encoder.Encode(answer{Exists: r.Exists(), Type: r.Type.String(), Raw: r.Raw, Str: r.String()}); err != nil {
			panic(err)
		}
		// One flush a line: the caller waits for each answer.
		if err := out.Flush(); err != nil {
			panic(err)
		}
	}
}
