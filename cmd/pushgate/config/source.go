package config

import "strconv"

// Kind is one of the places that a value can come from.
type Kind int

// The kinds, the weakest first.
const (
	Default Kind = iota
	File
	Environment
	Flag
)

// Source is where a value comes from.
type Source struct {
	Kind Kind
	// Name is the flag without its dashes, the variable, or the file.
	Name string
	Line int // in the file
}

// String says it in the words of `pushgate config`.
func (s Source) String() string {
	switch s.Kind {
	case Flag, File:
		return s.place()
	case Environment:
		return "$" + s.Name
	default:
		return "default"
	}
}

// place is where one has to look to change it; "" for a default.
func (s Source) place() string {
	switch {
	case s.Kind == Flag:
		return "--" + s.Name
	case s.Kind == File && s.Line > 0:
		return s.Name + ":" + strconv.Itoa(s.Line)
	default:
		return s.Name
	}
}
