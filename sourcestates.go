package livetables

// SourceStates are how the connections of an engine are doing in this process, all together: for whoever operates it, and so
// without a word about which they are or whose.
type SourceStates struct {
	// Connections counts those that were used since the process began or their settings were changed, by state.
	Connections map[string]int
	// Reading and Waiting count the reads that run and those that wait for their turn.
	Reading, Waiting int
}

// SourceStates counts the connections of the engine. Nothing is asked of their databases for it.
func (e *Engine) SourceStates() SourceStates {
	e.sources.mu.Lock()
	guards := make([]*guarded, 0, len(e.sources.guards))
	for _, g := range e.sources.guards {
		guards = append(guards, g)
	}
	e.sources.mu.Unlock() // guards are asked without it
	out := SourceStates{Connections: map[string]int{StateClosed: 0, StateOpen: 0, StateHalfOpen: 0}}
	for _, g := range guards {
		h := g.Health()
		out.Connections[string(h.State)]++
		out.Reading += h.Reading
		out.Waiting += h.Waiting
	}
	return out
}
