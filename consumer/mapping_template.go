package consumer

import (
	"strings"
	"text/template"
	"text/template/parse"
)

// parseChannel reads the template of a channel's name. Names that no record can
// have are found here, not at the first record.
func parseChannel(text string, items bool) (*template.Template, *KeyError) {
	if text == "" {
		return nil, badKey("channel", "there is none; write a name, or a template as orders:{{.Key}}")
	}
	parsed, err := template.New("channel").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, badKey("channel", "%s", templateError(err))
	}
	used := map[string]bool{}
	fieldsOf(parsed.Root, used)
	for name := range used {
		switch name {
		case "Topic", "Key", "Headers", "JSON", "Item":
		default:
			return nil, badKey("channel", "there is no .%s; there are .Topic, .Key, .Headers, .JSON and, with for_each, .Item", name)
		}
	}
	switch {
	case used["Item"] && !items:
		return nil, badKey("channel", ".Item is an item of the list that for_each names; name it")
	case items && !used["Item"]:
		return nil, badKey("for_each", "the channel does not use .Item: all messages would go to one channel")
	}
	return parsed, nil
}

// fieldsOf collects the names right behind the dot, as Key in {{.Key}}.
func fieldsOf(node parse.Node, used map[string]bool) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, inner := range n.Nodes {
				fieldsOf(inner, used)
			}
		}
	case *parse.ActionNode:
		fieldsOf(n.Pipe, used)
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			for _, argument := range command.Args {
				fieldsOf(argument, used)
			}
		}
	case *parse.ChainNode:
		fieldsOf(n.Node, used)
	case *parse.FieldNode:
		used[n.Ident[0]] = true
	case *parse.IfNode:
		fieldsOf(n.Pipe, used)
		fieldsOf(n.List, used)
		fieldsOf(n.ElseList, used)
	}
}

// templateError is the library's error without what only this program's authors
// can use.
func templateError(err error) string {
	text := err.Error()
	if _, after, found := strings.Cut(text, `executing "channel" at `); found {
		return after
	}
	_, after, found := strings.Cut(strings.TrimPrefix(text, "template: channel:"), ": ")
	if !found {
		return text
	}
	return after
}
