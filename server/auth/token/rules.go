package token

import (
	"fmt"
	"slices"
	"strings"

	"pushgate/push"
	"pushgate/server/auth/pattern"
)

// Allow are the channels of a namespace that clients may use without a permission
// of their tokens. Each is a pattern, which may have {sub}.
type Allow struct {
	Subscribe, Publish, History []string // of whoever has a token
	Public                      []string // subscribe and history, of everybody
}

// Rules are what all namespaces allow. They never change; safe for concurrent use.
type Rules struct {
	fallback allowed
	byName   map[string]allowed
}

type allowed struct {
	actions [3][]pattern.Pattern // by push.Action
	public  []pattern.Pattern
}

// NewRules reads what namespaces allow; fallback is for those that are not named. A
// pattern of a namespace may only stand for channels of that, unless fallback has it
// too.
func NewRules(fallback Allow, byName map[string]Allow) (*Rules, error) {
	r := &Rules{byName: make(map[string]allowed, len(byName))}
	var err error
	if r.fallback, err = fallback.parse("", fallback); err != nil {
		return nil, err
	}
	for name, allow := range byName {
		if r.byName[name], err = allow.parse(name+":", fallback); err != nil {
			return nil, fmt.Errorf("namespace %q: %w", name, err)
		}
	}
	return r, nil
}

// parse reads patterns that begin with a prefix, or are the fallback's.
func (a Allow) parse(prefix string, fallback Allow) (all allowed, err error) {
	for _, list := range []struct {
		texts, inherited []string
		into             *[]pattern.Pattern
	}{
		{a.Subscribe, fallback.Subscribe, &all.actions[push.ActionSubscribe]},
		{a.Publish, fallback.Publish, &all.actions[push.ActionPublish]},
		{a.History, fallback.History, &all.actions[push.ActionHistory]},
		{a.Public, fallback.Public, &all.public},
	} {
		for _, text := range list.texts {
			if !strings.HasPrefix(text, prefix) && !slices.Contains(list.inherited, text) {
				return all, fmt.Errorf("%q does not stand for channels of this namespace; begin it with %q", text, prefix)
			}
			p, err := pattern.ParseTemplate(text)
			if err != nil {
				return all, err
			}
			*list.into = append(*list.into, p)
		}
	}
	return all, nil
}

// of answers what a channel's namespace allows.
func (r *Rules) of(channel string) *allowed {
	if name, _, found := strings.Cut(channel, ":"); found {
		if own, ok := r.byName[name]; ok {
			return &own
		}
	}
	return &r.fallback
}

// Access is what somebody may do who has permissions beside the rules: patterns, with
// the words subscribe, publish and history. There may be 100 at most.
func (r *Rules) Access(account string, channels map[string][]string) (push.Access, error) {
	claim := make(map[string]any, len(channels))
	for name, words := range channels {
		list := make([]any, len(words))
		for i, word := range words {
			list[i] = word
		}
		claim[name] = list
	}
	grants, err := readPermissions(claim)
	return &access{rules: r, account: account, grants: grants}, err
}

// Anonymous is what clients without a token may do.
func (r *Rules) Anonymous() push.Access { return anonymous{r} }

type anonymous struct{ rules *Rules }

func (a anonymous) May(action push.Action, channel string) bool {
	return a.rules.of(channel).open(action, channel)
}

// open: everybody may.
func (a *allowed) open(action push.Action, channel string) bool {
	return action != push.ActionPublish && pattern.Any(a.public, channel, "")
}

// access is what one token allows, together with the rules.
type access struct {
	rules   *Rules
	account string
	grants  []permission
}

// permission is what a token allows with some channels.
type permission struct {
	text    string
	pattern pattern.Pattern
	actions uint8 // a bit for each push.Action
}

func (a *access) May(action push.Action, channel string) bool {
	for _, p := range a.grants {
		if p.actions&(1<<action) != 0 && p.pattern.Matches(channel, "") {
			return true
		}
	}
	ns := a.rules.of(channel)
	return ns.open(action, channel) || pattern.Any(ns.actions[action], channel, a.account)
}
