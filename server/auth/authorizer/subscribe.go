package authorizer

import (
	"context"
	"strconv"
	"time"

	pb "pushgate/proto/gen/pushgate/v1"
	"pushgate/push"
	"pushgate/push/wire"
)

// Subscribe is a push.Consent: it asks for what is not known.
func (a *Authorizer) Subscribe(ctx context.Context, subscriber string, wanted []push.Wanted) ([]error, error) {
	refusals, keys, now := make([]error, len(wanted)), make([]string, len(wanted)), time.Now()
	request := &pb.AuthorizeSubscribeRequest{Node: a.options.Node, Subscriber: subscriber}
	var asked []int
	all := []string{subscriber}
	for i, w := range wanted {
		keys[i] = question(subscriber, w.Channel, strconv.FormatBool(w.Durable), strconv.FormatBool(w.History))
		if answer, cached := a.subscriptions.get(keys[i], now); cached {
			refusals[i] = a.decide(answer, true)
			continue
		}
		asked, all = append(asked, i), append(all, keys[i])
		request.Subscriptions = append(request.Subscriptions, &pb.WantedSubscription{Channel: w.Channel, Durable: w.Durable, History: w.History})
	}
	if len(asked) == 0 {
		return refusals, nil
	}
	answers, err := call(ctx, a, subscribeCall, question(all...), func(ctx context.Context) ([]string, error) {
		return a.ask(ctx, request, keys, asked)
	})
	if err != nil {
		for range asked {
			a.metrics.count(subscribeCall, failed, false)
		}
		if a.options.Allow && ctx.Err() == nil {
			return refusals, nil
		}
		return nil, errFailed
	}
	for i, answer := range answers {
		refusals[asked[i]] = a.decide(answer, false)
	}
	return refusals, nil
}

func (a *Authorizer) ask(ctx context.Context, r *pb.AuthorizeSubscribeRequest, keys []string, asked []int) ([]string, error) {
	response, err := a.service.AuthorizeSubscribe(ctx, r)
	if err != nil {
		return nil, err
	}
	decisions := response.GetDecisions()
	if len(decisions) != len(asked) {
		return nil, bad("%d decisions on %d subscriptions", len(decisions), len(asked))
	}
	answers, now := make([]string, len(decisions)), time.Now()
	for i, d := range decisions {
		if !d.GetAllowed() {
			answers[i] = message(d.GetMessage(), "you may not subscribe to this channel")
		}
		a.subscriptions.put(keys[asked[i]], answers[i], response.GetCacheFor(), time.Time{}, now)
	}
	return answers, nil
}

// decide is an answer as an error, "" as none.
func (a *Authorizer) decide(answer string, cached bool) error {
	if answer == "" {
		a.metrics.count(subscribeCall, allowed, cached)
		return nil
	}
	a.metrics.count(subscribeCall, denied, cached)
	return &push.Error{Code: wire.CodePermissionDenied, Message: answer}
}
