package main

import (
	"errors"
	"log/slog"

	"pushgate/cmd/pushgate/config"
)

// reread reads the command line, the environment and the file once more.
type reread func() (*config.Flags, error)

// Reload is part of rpc.Process.
func (n *node) Reload() (applied, restart []string, err error) {
	n.reloading.Lock()
	defer n.reloading.Unlock()
	if !n.isDraining() {
		n.manager.Reloading()
		defer func() { n.manager.Ready(n.status()) }()
	}
	applied, restart, err = n.reload()
	if err != nil {
		err = errors.New(oneLine(err))
		n.audit.log.Reloaded(nil, nil, err)
		n.logger.Error("the configuration was not reloaded; nothing has changed", "error", err)
		return nil, nil, err
	}
	n.audit.log.Reloaded(applied, restart, nil)
	n.logger.Info("configuration reloaded", "applied", applied, "needs_restart", restart)
	return applied, restart, nil
}

// reload looks at everything that can be wrong before anything changes.
func (n *node) reload() (applied, restart []string, err error) {
	next, err := n.reread()
	if err != nil {
		return nil, nil, err
	}
	n.passed.inherit(next)
	flags, changes, err := n.flags.Load().Reload(next)
	if err != nil {
		return nil, nil, err
	}
	if err := flags.Engine().Validate(); err != nil {
		return nil, nil, err
	}
	callers, err := flags.CallerSettings()
	if err != nil {
		return nil, nil, err
	}
	rules, err := flags.Rules()
	if err != nil {
		return nil, nil, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(flags.Log.Level)); err != nil {
		return nil, nil, err
	}
	certificates, err := n.shown.read()
	if err != nil {
		return nil, nil, err
	}
	if err := n.audit.reload(); err != nil {
		return nil, nil, err
	}

	// What these two can refuse was refused above.
	if err := n.engine.Reload(flags.Live()); err != nil {
		return nil, nil, err
	}
	if err := n.callers.Set(callers); err != nil {
		return nil, nil, err
	}
	n.level.Set(level)
	n.door.reload(flags)
	if n.verifier != nil {
		n.verifier.SetRules(rules)
	}
	if n.asked != nil {
		n.asked.authorizer.SetRules(rules)
	}
	n.web.AllowOrigins(flags.HTTP.AllowedOrigins)
	n.flags.Store(flags)
	applied = certificates.show()
	for _, c := range changes {
		if c.Live {
			applied = append(applied, c.Key)
		} else {
			restart = append(restart, c.Key)
		}
	}
	return applied, restart, nil
}
