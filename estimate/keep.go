package estimate

import usherv1 "github.com/usher-cc/usher/api/usher/v1"

// Export is all that s knows, to be kept; the caller names it.
func (s *Service) Export() *usherv1.ServiceStatistics {
	return &usherv1.ServiceStatistics{
		LastAtMs:       s.lastMs,
		Staffed:        int32(s.crew.staffed),
		Working:        int32(s.crew.working),
		Backlog:        s.backlog,
		Queue:          s.queue.export(),
		Open:           s.open.export(),
		Answers:        append([]int64{}, s.answers[:]...),
		Patience:       s.patience.export(),
		Speed:          s.speed.export(),
		Ringing:        s.ringing.export(),
		Handling:       s.handling.export(),
		RecentHandling: s.recentHandling.export(),
	}
}

// Load is the Service that was exported. What cannot have been exported is
// brought within the limits.
func Load(kept *usherv1.ServiceStatistics) Service {
	s := Service{
		lastMs:         kept.GetLastAtMs(),
		crew:           newCrew(int(kept.GetStaffed()), int(kept.GetWorking())),
		backlog:        kept.GetBacklog(),
		queue:          loadSpan(kept.GetQueue()),
		open:           loadSpan(kept.GetOpen()),
		patience:       loadMean(kept.GetPatience(), longMemory),
		speed:          loadMean(kept.GetSpeed(), recentMemory),
		ringing:        loadMean(kept.GetRinging(), recentMemory),
		handling:       loadMean(kept.GetHandling(), longMemory),
		recentHandling: loadMean(kept.GetRecentHandling(), recentMemory),
	}
	for r, n := range kept.GetAnswers()[:min(len(kept.GetAnswers()), ranks)] {
		s.answers[r] = bounded(n, one*(recentMemory+1))
	}
	return s
}

func (s *span) export() *usherv1.QueueTime {
	return &usherv1.QueueTime{WorkingUs: s.workingUs, StaffedUs: s.staffedUs, Us: s.us}
}

func loadSpan(kept *usherv1.QueueTime) span {
	s := span{workingUs: kept.GetWorkingUs(), staffedUs: kept.GetStaffedUs(), us: kept.GetUs()}
	return s.bounded()
}

func (m *mean) export() *usherv1.FadingMean {
	return &usherv1.FadingMean{SumUs: m.sumUs, Count: m.count}
}

// loadMean allows for one observation more than a sum remembers: whole parts
// fade, and it comes to rest a little above.
func loadMean(kept *usherv1.FadingMean, memory int64) mean {
	return mean{sumUs: bounded(kept.GetSumUs(), maxUs*(memory+1)), count: bounded(kept.GetCount(), one*(memory+1))}
}
