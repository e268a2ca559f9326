package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// walker goes through the mappings of a file, and refuses keys that are not
// among the settings.
type walker struct {
	file     *file
	anchors  map[string]ast.Node
	settings []setting
	// prefix stands before the keys in messages.
	prefix string
	// special may take a key of the top for itself.
	special func(key string, node ast.Node) (taken bool, err error)
}

// group reads the mapping under the key path into values.
func (w walker) group(path string, node ast.Node, values map[string]entry) error {
	return w.each(w.prefix+path, node, func(name string, line int, value ast.Node) error {
		key := strings.TrimPrefix(path+"."+name, ".")
		if w.special != nil {
			if taken, err := w.special(key, value); taken {
				return err
			}
		}
		if _, leaf := find(w.settings, key); leaf {
			text, err := w.text(w.prefix+key, value)
			values[key] = entry{text: text, line: line}
			return err
		}
		if !slices.ContainsFunc(w.settings, func(s setting) bool { return strings.HasPrefix(s.key, key+".") }) {
			return w.file.problem(line, w.prefix+key, "there is no such key%s", didYouMean(key, w.known()))
		}
		return w.group(key, value, values)
	})
}

func (w walker) known() []string {
	var known []string
	if w.special != nil {
		known = append(known, "namespaces", "kafka.sources", "callers")
	}
	for _, s := range w.settings {
		known = append(known, s.key)
		if group, _, inner := strings.Cut(s.key, "."); inner {
			known = append(known, group)
		}
	}
	return known
}

// each calls f for all pairs of a mapping, those that are merged into it first.
func (w walker) each(path string, node ast.Node, f func(name string, line int, value ast.Node) error) error {
	node = w.resolve(node)
	if node == nil || node.Type() == ast.NullType {
		return nil
	}
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return w.file.problem(line(node), path, "keys with values are expected here, not %s", kind(node))
	}
	for _, merged := range []bool{true, false} {
		for pairs := mapping.MapRange(); pairs.Next(); {
			key := pairs.Key()
			var err error
			switch {
			case key.IsMergeKey() != merged:
			case merged:
				err = w.each(path, pairs.Value(), f)
			default:
				err = f(key.GetToken().Value, line(key), pairs.Value())
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// text is the value of a scalar, or a list of them with commas.
func (w walker) text(key string, node ast.Node) (string, error) {
	node = w.resolve(node)
	switch node := node.(type) {
	case nil, *ast.NullNode:
		return "", w.file.problem(line(node), key, "there is no value; give one, or remove the key")
	case *ast.SequenceNode:
		var items []string
		for _, value := range node.Values {
			item, err := w.text(key, value)
			if err != nil {
				return "", err
			}
			items = append(items, item)
		}
		return strings.Join(items, ","), nil
	case *ast.LiteralNode:
		return strings.TrimSpace(node.Value.Value), nil
	case ast.ScalarNode:
		return node.GetToken().Value, nil
	default:
		return "", w.file.problem(line(node), key, "a value is expected here, not %s", kind(node))
	}
}

// resolve looks behind anchors, aliases and tags.
func (w walker) resolve(node ast.Node) ast.Node {
	for {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.TagNode:
			node = n.Value
		case *ast.AliasNode:
			node = w.anchors[n.Value.GetToken().Value]
		default:
			return node
		}
	}
}

func anchorsOf(root ast.Node) map[string]ast.Node {
	found := anchors{}
	if root != nil {
		ast.Walk(found, root)
	}
	return found
}

type anchors map[string]ast.Node

// Visit notes the anchors of a tree.
func (a anchors) Visit(node ast.Node) ast.Visitor {
	if anchor, ok := node.(*ast.AnchorNode); ok {
		a[anchor.Name.GetToken().Value] = anchor.Value
	}
	return a
}

func line(node ast.Node) int {
	if node == nil || node.GetToken() == nil {
		return 0
	}
	return node.GetToken().Position.Line
}

func kind(node ast.Node) string {
	switch node.(type) {
	case ast.MapNode:
		return "keys"
	case ast.ArrayNode:
		return "a list"
	default:
		return "a single value"
	}
}
