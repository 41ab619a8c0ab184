package conformance

import (
	"context"
	"strings"
	"testing"

	"github.com/containers/conmon-rs/pkg/client"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traced is a context within a span that somebody else has begun: the client sends its ids with each call.
func traced(t *testing.T) context.Context {
	t.Helper()
	otel.SetTextMapPropagator(propagation.TraceContext{})

	state, err := trace.ParseTraceState("vendor=value")
	must(t, err)

	return trace.ContextWithSpanContext(bounded(t), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4, 5, 6}, TraceFlags: trace.FlagsSampled, TraceState: state,
	}))
}

func TestCallsCarryTheirTraceContext(t *testing.T) {
	// There is no collector: that the calls work all the same is what a client can see.
	p := newPod(t, func(config *client.ConmonServerConfig) {
		config.Tracing = &client.Tracing{Enabled: true, Endpoint: "http://127.0.0.1:1"}
	})
	ctx := traced(t)

	_, err := p.Version(ctx, nil)
	must(t, err)

	c := p.run(containerOptions{args: []string{"sh"}, request: withStdin})

	result, err := p.ExecSyncContainer(ctx, &client.ExecSyncConfig{ID: c.id, Command: []string{"workload", "exit", "3"}})
	must(t, err)
	expect(t, "exit code", result.ExitCode, 3)
	must(t, p.ReopenLogContainer(ctx, &client.ReopenLogContainerConfig{ID: c.id}))

	_, err = p.CreateContainer(ctx, &client.CreateContainerConfig{ID: "broken", BundlePath: p.path("missing")})
	said := mustFail(t, "create without a bundle", err)

	if strings.Contains(said, "metadata") {
		t.Errorf("the trace context is not understood: %s", said)
	}
}
