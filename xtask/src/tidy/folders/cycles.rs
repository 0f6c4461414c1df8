//! Finds cycles in a graph, and for a cycle a small set of edges whose removal breaks it.
//!
//! A cycle here is a strongly connected component: a set of nodes in which every node reaches every
//! other node. A reader has to understand all files of a cycle at once, however long its shortest loop
//! is.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// Graph: for each node, the nodes to which it has an edge, with the weight of the edge.
pub(super) type Graph<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

/// Returns the cycles of at least two nodes, the largest first. Each is sorted.
pub(super) fn cycles<'a>(graph: &Graph<'a>) -> Vec<Vec<&'a str>> {
    let nodes: BTreeSet<&str> =
        graph.iter().flat_map(|(from, to)| to.keys().chain([from])).copied().collect();
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        nodes.iter().map(|node| (*node, reachable(graph, node))).collect();
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for node in &nodes {
        if done.contains(node) {
            continue;
        }
        let mutual =
            |other: &&&str| reached[*node].contains(**other) && reached[**other].contains(*node);
        let cycle: Vec<&str> = nodes.iter().filter(mutual).copied().collect();
        done.extend(cycle.iter().copied());
        if cycle.len() > 1 {
            found.push(cycle);
        }
    }
    found.sort_by_key(|cycle| Reverse(cycle.len()));
    found
}

/// Returns a light set of edges whose removal breaks the cycle.
///
/// The nodes are put in a row. One by one, each node is moved to the position at which the edges that
/// point backwards weigh least. The result is the set of these edges. It may not be the lightest set, but
/// it is a good place to begin.
pub(super) fn cut<'a>(graph: &Graph<'a>, cycle: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let weight = |from: &str, to: &str| {
        graph.get(from).and_then(|to_all| to_all.get(to)).copied().unwrap_or(0)
    };
    let mut row = cycle.to_vec();
    // Nodes with many imports come first, because a good start makes the search short.
    let takes = |node: &str| cycle.iter().map(|other| weight(node, other)).sum::<usize>();
    row.sort_by_key(|node| Reverse(takes(node)));
    let mut moved = true;
    while moved {
        moved = false;
        for node in cycle {
            let Some(at) = row.iter().position(|other| other == node) else { continue };
            let best = best_place(&row, at, &weight);
            if best != at {
                let node = row.remove(at);
                row.insert(best, node);
                moved = true;
            }
        }
    }
    let place: BTreeMap<&str, usize> =
        row.iter().enumerate().map(|(at, node)| (*node, at)).collect();
    let edges = cycle.iter().flat_map(|from| cycle.iter().map(move |to| (*from, *to)));
    edges.filter(|(from, to)| weight(from, to) > 0 && place[to] < place[from]).collect()
}

/// Returns the position in the row at which the node makes the backward edges lightest. Returns the
/// present position if no other position is lighter.
fn best_place(row: &[&str], at: usize, weight: &impl Fn(&str, &str) -> usize) -> usize {
    let node = row[at];
    let others: Vec<&str> = row.iter().filter(|other| **other != node).copied().collect();
    // Weight of the node's backward edges at the first position, which is then updated step by step.
    let mut cost: usize = others.iter().map(|other| weight(other, node)).sum();
    let mut costs = vec![cost];
    for other in &others {
        cost = cost + weight(node, other) - weight(other, node);
        costs.push(cost);
    }
    let (best, least) = costs.iter().enumerate().min_by_key(|(_, cost)| **cost).unwrap_or((at, &0));
    if *least < costs[at] { best } else { at }
}

fn reachable<'a>(graph: &Graph<'a>, from: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([from]);
    let mut waiting = vec![from];
    while let Some(node) = waiting.pop() {
        for next in graph.get(node).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(next) {
                waiting.push(next);
            }
        }
    }
    found
}
