package wire

import "testing"

func TestContentTypes(t *testing.T) {
	for _, tt := range []struct {
		contentType       string
		json, plain, text bool
	}{
		{contentType: "", json: true, plain: true},
		{contentType: "application/json", json: true, plain: true},
		{contentType: " application/JSON ; charset=utf-8", json: true, plain: true},
		{contentType: "application/problem+json", json: true},
		{contentType: "Application/LD+Json;profile=x", json: true},
		{contentType: "text/x+json", json: true, text: true},
		{contentType: "+json"},
		{contentType: "x+json"},
		{contentType: ";application/json"},
		{contentType: " "},
		{contentType: "application/jsonl"},
		{contentType: "application/json-seq"},
		{contentType: "text/"},
		{contentType: "text"},
		{contentType: "text/plain", text: true},
		{contentType: "TEXT/html; charset=utf-8", text: true},
		{contentType: "application/octet-stream;x=+json"},
	} {
		got := [3]bool{IsJSON(tt.contentType), isPlainJSON(tt.contentType), isText(tt.contentType)}
		if want := [3]bool{tt.json, tt.plain, tt.text}; got != want {
			t.Errorf("%q: JSON, plain JSON, text = %v, want %v", tt.contentType, got, want)
		}
	}
}

func TestValidJSON(t *testing.T) {
	for data, want := range map[string]bool{
		`{"a":[1,2.50,"ü"]}`: true,
		" null\n":            true,
		`"\ud800"`:           true,
		``:                   false,
		`{"a":1}{}`:          false,
		`{a:1}`:              false,
		"\"\xff\"":           false,
		"\xef\xbb\xbf{}":     false,
	} {
		if got := ValidJSON([]byte(data)); got != want {
			t.Errorf("ValidJSON(%q) = %v", data, got)
		}
	}
}
