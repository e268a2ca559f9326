package consumer

import (
	"cmp"
	"slices"

	"github.com/segmentio/kafka-go"
)

// evenBalancer deals out the partitions of all topics, one after the other, so
// that many topics of one partition are spread over the members too.
type evenBalancer struct{}

// ProtocolName is what the members of a group have to agree on.
func (evenBalancer) ProtocolName() string { return "pushgate-even" }

// UserData is part of kafka.GroupBalancer.
func (evenBalancer) UserData() ([]byte, error) { return nil, nil }

// AssignGroups gives each partition to the member that wants its topic and has
// the fewest so far.
func (evenBalancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	members, partitions = slices.Clone(members), slices.Clone(partitions)
	slices.SortFunc(members, func(a, b kafka.GroupMember) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(partitions, func(a, b kafka.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.ID, b.ID))
	})
	assignments, load := kafka.GroupMemberAssignments{}, map[string]int{}
	for _, m := range members {
		assignments[m.ID] = map[string][]int{}
	}
	for _, p := range partitions {
		best := ""
		for _, m := range members {
			if slices.Contains(m.Topics, p.Topic) && (best == "" || load[m.ID] < load[best]) {
				best = m.ID
			}
		}
		if best != "" {
			load[best]++
			assignments[best][p.Topic] = append(assignments[best][p.Topic], p.ID)
		}
	}
	return assignments
}
