// Go's own text/template with sprig and our implementations of ESO's functions, for comparison.
//
// Reads one question a line and answers each with one line:
//
//	{"template": base64, "data": {…}, "strings": bool, "missingKey": "error"|"default", "delimiters": [left, right]}
//	→ {"out": base64} or {"err": base64 of "parse: …" or "exec: …"}
//
// With "measureMs" the answer is {"renderNs", "parseNs"}: processor time of one execution and of one parse, the means of
// that long.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"syscall"
	"text/template"
	"time"
)

type question struct {
	Template   []byte         `json:"template"`
	Data       map[string]any `json:"data"`
	Strings    bool           `json:"strings"`
	MissingKey string         `json:"missingKey"`
	Delimiters [2]string      `json:"delimiters"`
	MeasureMs  int            `json:"measureMs"`
}

type answer struct {
	Out      *[]byte `json:"out,omitempty"`
	Err      []byte  `json:"err,omitempty"`
	RenderNs float64 `json:"renderNs,omitempty"`
	ParseNs  float64 `json:"parseNs,omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 64*1024), 64*1024*1024)
	encoder := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			panic(err)
		}
		reply := render(q)
		if q.MeasureMs > 0 && reply.Err == nil {
			reply = measure(q)
		}
		if err := encoder.Encode(reply); err != nil {
			panic(err)
		}
	}
}

func parse(q question) (*template.Template, error) {
	missing := q.MissingKey
	if missing == "" {
		missing = "error"
	}
	t := template.New("t").Option("missingkey="+missing).Delims(q.Delimiters[0], q.Delimiters[1])
	return t.Funcs(functions).Parse(string(q.Template))
}

// dot is what a template of ours gets: a map of strings for secrets, else JSON as Go decodes it.
func dot(q question) any {
	if !q.Strings {
		if q.Data == nil {
			return map[string]any{}
		}
		return q.Data
	}
	texts := map[string]string{}
	for key, value := range q.Data {
		texts[key] = value.(string)
	}
	return texts
}

func render(q question) answer {
	t, err := parse(q)
	if err != nil {
		return answer{Err: []byte("parse: " + err.Error())}
	}
	var out bytes.Buffer
	if err := t.Execute(&out, dot(q)); err != nil {
		return answer{Err: []byte("exec: " + err.Error())}
	}
	text := append([]byte{}, out.Bytes()...)
	return answer{Out: &text}
}

func measure(q question) answer {
	t, _ := parse(q)
	data := dot(q)
	limit := time.Duration(q.MeasureMs) * time.Millisecond
	renderNs := mean(limit, func() {
		var out bytes.Buffer
		if err := t.Execute(&out, data); err != nil {
			panic(err)
		}
		if _, err := io.Copy(io.Discard, &out); err != nil {
			panic(err)
		}
	})
	parseNs := mean(limit, func() {
		if _, err := parse(q); err != nil {
			panic(err)
		}
	})
	return answer{RenderNs: renderNs, ParseNs: parseNs}
}

// mean is the nanoseconds of processor time, garbage collection included, that one call of work takes.
func mean(limit time.Duration, work func()) float64 {
	began := processorTime()
	calls := 0
	for batch := 1; processorTime()-began < limit; batch = min(batch*2, 64) {
		for range batch {
			work()
		}
		calls += batch
	}
	return float64((processorTime() - began).Nanoseconds()) / float64(calls)
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
