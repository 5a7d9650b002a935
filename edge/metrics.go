package edge

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/usher-cc/usher/center"
)

// metrics are what operators watch.
type metrics struct {
	registry           *prometheus.Registry
	requests           *prometheus.CounterVec
	latency            *prometheus.HistogramVec
	streams            *prometheus.GaugeVec
	delivered          prometheus.Counter
	stuck              prometheus.Counter
	refusedConnections prometheus.Counter
}

func newMetrics(registry *prometheus.Registry, s *Server) *metrics {
	m := &metrics{
		registry: registry,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_requests_total", Help: "Calls by method and outcome: ok, or the name of the error.",
		}, []string{"method", "code"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "usher_request_seconds", Help: "Time to answer a request. Transfers, conferences and route calls wait for people.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"method"}),
		streams: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "usher_streams_open", Help: "Open streams by method.",
		}, []string{"method"}),
		delivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "usher_events_delivered_total", Help: "Events sent on streams, heartbeats not counted.",
		}),
		stuck: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "usher_stuck_clients_total", Help: "Clients cut off because they did not take a message in time.",
		}),
		refusedConnections: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "usher_connections_refused_total", Help: "Connections that were hung up on since there were too many.",
		}),
	}
	if s.customers != nil {
		registry.MustRegister(
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "usher_sessions_live", Help: "Customers' sessions that go on."},
				func() float64 { sessions, _ := s.customers.Counts(); return float64(sessions) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "usher_session_streams_open", Help: "Open streams of customers' sessions."},
				func() float64 { _, streams := s.customers.Counts(); return float64(streams) }))
	}
	registry.MustRegister(m.requests, m.latency, m.streams, m.delivered, m.stuck, m.refusedConnections, centerCollector{s.center},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// answered counts a call.
func (m *metrics) answered(procedure, code string) { m.requests.WithLabelValues(procedure, code).Inc() }

// took records how long an answer took.
func (m *metrics) took(procedure string, d time.Duration) {
	m.latency.WithLabelValues(procedure).Observe(d.Seconds())
}

// centerCollector reads the center's status when the metrics are read.
type centerCollector struct{ center Center }

// centerMetric is one number of the center's status.
type centerMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*center.Status) float64
}

func counter(name, help string, value func(*center.Status) float64) centerMetric {
	return centerMetric{prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue, value}
}

func gauge(name, help string, value func(*center.Status) float64) centerMetric {
	return centerMetric{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, value}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var centerMetrics = []centerMetric{
	gauge("usher_leader", "1 while the journal is led.", func(s *center.Status) float64 { return flag(s.Leader) }),
	gauge("usher_low_space", "1 while submits are refused for want of space.", func(s *center.Status) float64 { return flag(s.LowSpace) }),
	gauge("usher_durable_sequence", "Everything up to here is durable.", func(s *center.Status) float64 { return float64(s.Durable) }),
	gauge("usher_decided_sequence", "Everything up to here is decided.", func(s *center.Status) float64 { return float64(s.Decided) }),
	gauge("usher_snapshot_sequence", "The newest snapshot contains everything up to here.", func(s *center.Status) float64 { return float64(s.SnapshotSequence) }),
	gauge("usher_tenants", "Tenants.", func(s *center.Status) float64 { return float64(s.Tenants) }),
	gauge("usher_requests_waiting", "Requests that wait to be decided.", func(s *center.Status) float64 { return float64(s.Waiting) }),
	gauge("usher_requests_pending", "Requests whose answer comes later.", func(s *center.Status) float64 { return float64(s.Pending) }),
	gauge("usher_answers_remembered", "Remembered answers.", func(s *center.Status) float64 { return float64(s.Answers) }),
	gauge("usher_subscriptions", "Subscriptions.", func(s *center.Status) float64 { return float64(s.Subscriptions) }),
	gauge("usher_journal_free_bytes", "Space for the journal.", func(s *center.Status) float64 { return float64(s.Space.FreeBytes) }),
	gauge("usher_wall_clock_offset_seconds", "Wall clock minus server's time.", func(s *center.Status) float64 { return s.WallClockOffset.Seconds() }),
	counter("usher_batches_total", "Batches appended, each with one sync. Entries by batches is the batch size.", func(s *center.Status) float64 { return float64(s.Batches) }),
	counter("usher_entries_total", "Entries appended.", func(s *center.Status) float64 { return float64(s.Entries) }),
	counter("usher_journal_bytes_total", "Bytes appended.", func(s *center.Status) float64 { return float64(s.Bytes) }),
	counter("usher_decided_total", "Requests decided, also reads and refusals.", func(s *center.Status) float64 { return float64(s.Requests) }),
	counter("usher_refusals_total", "Requests that the engine refused.", func(s *center.Status) float64 { return float64(s.Refusals) }),
	counter("usher_repeats_total", "Requests answered from memory, or joined to the pending one.", func(s *center.Status) float64 { return float64(s.Repeats) }),
	counter("usher_deadlines_total", "Deadlines fired.", func(s *center.Status) float64 { return float64(s.Deadlines) }),
	counter("usher_rebuilds_total", "Rebuilds from the journal after a failed append.", func(s *center.Status) float64 { return float64(s.Rebuilds) }),
	counter("usher_slow_readers_total", "Readers cut off.", func(s *center.Status) float64 { return float64(s.SlowReaders) }),
	counter("usher_snapshots_total", "Snapshots saved.", func(s *center.Status) float64 { return float64(s.Snapshots) }),
	counter("usher_wall_clock_jumps_total", "Jumps of the wall clock noticed.", func(s *center.Status) float64 { return float64(s.WallClockJumps) }),
}

// Describe implements prometheus.Collector.
func (centerCollector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range centerMetrics {
		to <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c centerCollector) Collect(to chan<- prometheus.Metric) {
	status := c.center.Status()
	for _, m := range centerMetrics {
		to <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&status))
	}
}
