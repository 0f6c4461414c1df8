//! Model of a cluster, of which a model checker tries every order of its steps.
//!
//! The model has one user, some nodes and one Redis server. A step is what the code does in one piece: a script, a
//! message from the log, a turn of a link. Faults are steps too: a node is cut off, stopped and continued, and Redis
//! loses the tail of its data. Steps have the names of the functions that they stand for. Time passes in ticks; a
//! lease is [`LEASE`](checked::LEASE) ticks long.
//!
//! [`rules`] are the promises. Start reading at [`state`], then [`step`].

pub mod checked;
pub mod rules;
pub mod state;
pub mod step;

use stateright::{Model, Property};

use self::{
    checked::Checked,
    state::{Cluster, Node},
    step::Step,
};

impl Model for Checked {
    type State = Cluster;
    type Action = Step;

    fn init_states(&self) -> Vec<Cluster> {
        let nodes = (0..self.nodes).map(|_| Node::default()).collect();
        vec![Cluster { nodes, ..Cluster::default() }]
    }

    fn actions(&self, cluster: &Cluster, steps: &mut Vec<Step>) {
        step::possible(self, cluster, steps);
        if self.lists_changes {
            steps.retain(|step| step::take(self, &mut cluster.clone(), *step));
        }
    }

    fn next_state(&self, cluster: &Cluster, step: Step) -> Option<Cluster> {
        let mut next = cluster.clone();
        step::take(self, &mut next, step).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        rules::all(self)
    }
}
