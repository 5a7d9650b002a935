package vector

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// wait suspends for a time. After a router that could not be asked there is
// nothing to wait for.
func (r *run) wait(a WaitTime) course {
	if _, asked := r.before.(AdjunctRouting); asked && len(r.state.GetAdjuncts()) == 0 {
		return proceed
	}
	r.state.Treatment = &usherv1.Treatment{Kind: a.Hearing, Source: a.Source}
	if a.For == 0 {
		return proceed
	}
	return r.suspendFor(int64(a.For))
}

func (r *run) announce(source string) course {
	ms, ok := r.world.Announcement(source)
	if !ok {
		return proceed
	}
	r.state.Treatment = announcement(source)
	if ms == 0 {
		return proceed
	}
	return r.suspendFor(ms)
}

func announcement(source string) *usherv1.Treatment {
	return &usherv1.Treatment{Kind: usherv1.TreatmentKind_TREATMENT_KIND_ANNOUNCEMENT, Source: source}
}

// disconnect drops after an announcement, during which no agent is looked for
// any more. Who was given just that one does not hear it again.
func (r *run) disconnect(after string) course {
	ms, ok := r.world.Announcement(after)
	heard := r.state.GetTreatment().GetKind() == usherv1.TreatmentKind_TREATMENT_KIND_ANNOUNCEMENT &&
		r.state.GetTreatment().GetSource() == after
	if after == "" || !ok || ms == 0 || heard {
		return r.drop("disconnect")
	}
	r.state.Queueings = nil
	r.state.Treatment = announcement(after)
	r.suspendFor(ms)
	return stay
}
