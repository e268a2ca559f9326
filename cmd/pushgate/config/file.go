package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// file is a YAML file, with the lines that its values stand on.
type file struct {
	path         string
	values       map[string]entry // by key
	namespaces   []namedNode
	kafkaSources []namedNode
	callers      []namedNode
	anchors      map[string]ast.Node
}

type entry struct {
	text string
	line int
}

func (f *file) at(line int) Source { return Source{Kind: File, Name: f.path, Line: line} }

func (f *file) problem(line int, key, format string, args ...any) *Problem {
	return problem(f.at(line), key, format, args...)
}

// readFile reads the file at path; without a path it is empty.
func readFile(path string) (*file, error) {
	f := &file{path: path, values: map[string]entry{}}
	if path == "" {
		return f, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, f.problem(0, "", "cannot be read: %v", reason(err))
	}
	tree, err := parser.ParseBytes(content, 0)
	if err != nil {
		return nil, f.syntax(err)
	}
	if len(tree.Docs) > 1 {
		return nil, f.problem(line(tree.Docs[1].Body), "", "a second document begins here; there may be one only")
	}
	for _, document := range tree.Docs {
		if err := f.read(document.Body); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// reason is what the operating system says, without the path.
func reason(err error) error {
	if failure, ok := errors.AsType[*os.PathError](err); ok {
		return failure.Err
	}
	return err
}

func (f *file) syntax(err error) error {
	var failure yaml.Error
	if errors.As(err, &failure) && failure.GetToken() != nil {
		return f.problem(failure.GetToken().Position.Line, "", "%s", failure.GetMessage())
	}
	return f.problem(0, "", "%s", strings.ReplaceAll(err.Error(), "\n", " "))
}

// read takes the whole tree apart.
func (f *file) read(root ast.Node) error {
	f.anchors = anchorsOf(root)
	w := walker{file: f, anchors: f.anchors, settings: settings}
	w.special = func(key string, node ast.Node) (bool, error) {
		lists := map[string]*[]namedNode{"namespaces": &f.namespaces, "kafka.sources": &f.kafkaSources, "callers": &f.callers}
		list, taken := lists[key]
		if !taken {
			return false, nil
		}
		return true, w.each(key, node, func(name string, line int, value ast.Node) error {
			*list = append(*list, namedNode{name: name, line: line, node: value})
			return nil
		})
	}
	return w.group("", root, f.values)
}

// readNamespaces decodes what stands under namespaces.
func (f *file) readNamespaces() ([]NamedNamespace, error) {
	all := make([]NamedNamespace, 0, len(f.namespaces)+1)
	fallback := NamedNamespace{Name: defaultNamespace, sources: map[string]Source{}}
	if err := fillDefaults(reflect.ValueOf(&fallback.Namespace).Elem(), namespaceSettings); err != nil {
		return nil, fmt.Errorf("default namespace: %w", err)
	}
	for _, named := range f.namespaces {
		if named.name == defaultNamespace {
			if err := fallback.read(f, named); err != nil {
				return nil, err
			}
		}
	}
	all = append(all, fallback)
	for _, named := range f.namespaces {
		if named.name == defaultNamespace {
			continue
		}
		n := NamedNamespace{Name: named.name, Namespace: fallback.Namespace, sources: map[string]Source{}}
		if err := n.read(f, named); err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}
