package crashtest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// page is one tab.
type page struct {
	*browser
	session string
}

func (b *browser) open() *page {
	b.t.Helper()
	var target struct{ TargetID string }
	b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p := &page{b, attached.SessionID}
	p.call(p.session, "Page.enable", nil, &struct{}{})
	return p
}

// visit goes to an address, and returns when it is loaded.
func (p *page) visit(url string) {
	p.t.Helper()
	p.events = nil
	var result struct{ ErrorText string }
	p.call(p.session, "Page.navigate", map[string]any{"url": url}, &result)
	if result.ErrorText != "" {
		p.t.Fatalf("%s: %s", url, result.ErrorText)
	}
	p.event(p.session, "Page.loadEventFired")
}

func (p *page) reload() {
	p.t.Helper()
	p.events = nil
	p.call(p.session, "Page.reload", nil, &struct{}{})
	p.event(p.session, "Page.loadEventFired")
}

// run evaluates an expression to a string; it waits for a promise.
func (p *page) run(expression string) string {
	p.t.Helper()
	var answer struct {
		Result           struct{ Value string }
		ExceptionDetails json.RawMessage
	}
	p.call(p.session, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &answer)
	if answer.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s", expression, answer.ExceptionDetails)
	}
	return answer.Result.Value
}

// waitLog waits until the element #log contains all texts, and answers what it contains.
func (p *page) waitLog(texts ...string) string {
	p.t.Helper()
	wanted, err := json.Marshal(texts)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.run(fmt.Sprintf(`new Promise(done => {
		const log = document.getElementById('log');
		const look = () => {
			if (!%s.every(text => log.textContent.includes(text))) return;
			observer.disconnect();
			done(log.textContent);
		};
		const observer = new MutationObserver(look);
		observer.observe(log, {childList: true, characterData: true, subtree: true});
		look();
	})`, wanted))
}

// lacks fails the test if the log has a text.
func (p *page) lacks(log, text string) {
	p.t.Helper()
	if strings.Contains(log, text) {
		p.t.Errorf("the page got %s again:\n%s", text, log)
	}
}
