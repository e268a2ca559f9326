package config

import "fmt"

// Problem is what is wrong with a configuration, in one line: where it stands,
// the key, and what to change.
type Problem struct {
	Source Source
	Key    string // "" when the whole source is wrong
	Text   string
}

func (p *Problem) Error() string {
	where := p.Source.place()
	switch {
	case p.Key == "" || p.Source.Kind == Flag || p.Source.Kind == Environment:
		return where + ": " + p.Text
	case where == "":
		return p.Key + ": " + p.Text
	}
	return where + ": " + p.Key + ": " + p.Text
}

func problem(source Source, key, format string, args ...any) *Problem {
	return &Problem{Source: source, Key: key, Text: fmt.Sprintf(format, args...)}
}
