namespace Mlops.Sdk.Registry;

/// <content>The graph.</content>
internal sealed partial class LineageState
{
    /// <summary>The graph itself.</summary>
    internal sealed class Graph
    {
        private readonly Dictionary<string, int> _kindIds = new(StringComparer.Ordinal);
        private readonly List<string> _kinds = []; // of nodes and of relations: both are few
        private readonly Dictionary<(int Kind, string Name), int> _ids = [];
        private readonly List<(int Kind, string Name)> _nodes = [];
        private readonly Dictionary<int, string> _labels = [];
        private readonly List<int> _firstOut = []; // per node its newest edge, -1 for none
        private readonly List<int> _firstIn = [];
        private List<Edge> _edges = [];
        private int _holes;

        internal Dictionary<string, RunMarks> Runs { get; } = new(StringComparer.Ordinal);

        internal Dictionary<string, int> Versions { get; } = new(StringComparer.Ordinal);

        internal int Nodes => _nodes.Count;

        internal int Edges => _edges.Count - _holes;

        internal LineageNode this[int node] => new(_kinds[_nodes[node].Kind], _nodes[node].Name);

        internal IReadOnlyList<string> Kinds => _kinds;

        internal int KindIdOf(int node) => _nodes[node].Kind;

        internal string? Label(int node) => _labels.GetValueOrDefault(node);

        internal int? Find(string kind, string name) => _kindIds.TryGetValue(kind, out int id) && _ids.TryGetValue((id, name), out int node) ? node : null;

        internal int Node(string kind, string name)
        {
            int kindId = KindId(kind);
            if (!_ids.TryGetValue((kindId, name), out int node))
            {
                node = _nodes.Count;
                _ids.Add((kindId, name), node);
                _nodes.Add((kindId, name));
                _firstOut.Add(-1);
                _firstIn.Add(-1);
            }

            return node;
        }

        internal void SetLabel(int node, string label)
        {
            if (label.Length > 0)
            {
                _labels[node] = label;
            }
        }

        /// <summary>Connects two nodes, unless they are so already.</summary>
        internal void Connect(int from, int to, string relation, long entry)
        {
            if (!IsConnected(from, to, relation))
            {
                Add(from, to, KindId(relation), entry);
            }
        }

        internal bool IsConnected(int from, int to, string relation)
        {
            if (!_kindIds.TryGetValue(relation, out int kind))
            {
                return false;
            }

            // looked for from both ends in step: one end, a new node nearly always, has hardly any edges
            int into = _firstIn[to];
            int outOf = _firstOut[from];
            while (into >= 0 && outOf >= 0)
            {
                if ((_edges[into].From == from && _edges[into].Relation == kind) || (_edges[outOf].To == to && _edges[outOf].Relation == kind))
                {
                    return true;
                }

                (into, outOf) = (_edges[into].NextIn, _edges[outOf].NextOut);
            }

            return false; // the shorter list was looked through to its end
        }

        internal void Disconnect(int from, int to)
        {
            for (int e = _firstIn[to]; e >= 0; e = _edges[e].NextIn)
            {
                if (_edges[e].From == from)
                {
                    Cut(e);
                }
            }

            CloseHoles();
        }

        internal void DisconnectFrom(int to, string relation)
        {
            int kind = KindId(relation);
            for (int e = _firstIn[to]; e >= 0; e = _edges[e].NextIn)
            {
                if (_edges[e].Relation == kind)
                {
                    Cut(e);
                }
            }

            CloseHoles();
        }

        /// <summary>Walks from a node, nearest first, and tells each node's depth.</summary>
        /// <param name="start">Where from.</param>
        /// <param name="down">Towards what was made of it, or where it came from.</param>
        /// <param name="reach">How far.</param>
        /// <returns>The nodes with their depth in the order they were reached, and whether that is all.</returns>
        internal (List<(int Node, int Depth)> Reached, bool Complete) Walk(int start, bool down, LineageReach reach)
        {
            List<(int Node, int Depth)> reached = [(start, 0)];
            bool[] seen = new bool[_nodes.Count];
            seen[start] = true;
            bool complete = true;
            for (int i = 0; i < reached.Count; i++)
            {
                (int node, int depth) = reached[i];
                for (int e = down ? _firstOut[node] : _firstIn[node]; e >= 0; e = down ? _edges[e].NextOut : _edges[e].NextIn)
                {
                    int next = down ? _edges[e].To : _edges[e].From;
                    if (seen[next] || (!reach.Context && IsContext(_edges[e].Relation)))
                    {
                        continue;
                    }

                    if (depth == reach.Depth || reached.Count == reach.Nodes)
                    {
                        complete = false;
                        continue;
                    }

                    seen[next] = true;
                    reached.Add((next, depth + 1));
                }
            }

            return (reached, complete);
        }

        internal LineageGraph Pick(IReadOnlyCollection<(int Node, int Depth)> nodes, bool complete, bool context)
        {
            Dictionary<int, int> depths = nodes.ToDictionary(n => n.Node, n => n.Depth);
            List<int> edges = [];
            foreach ((int node, _) in nodes)
            {
                for (int e = _firstOut[node]; e >= 0; e = _edges[e].NextOut)
                {
                    if (depths.ContainsKey(_edges[e].To) && (context || !IsContext(_edges[e].Relation)))
                    {
                        edges.Add(e);
                    }
                }
            }

            edges.Sort();
            Dictionary<int, LineageNode> made = depths.Keys.ToDictionary(n => n, n => this[n]);
            return new LineageGraph(
                [.. depths.OrderBy(d => d.Value).ThenBy(d => d.Key).Select(d => new LineageFact(made[d.Key], Label(d.Key), d.Value))],
                [.. edges.Select(e => new LineageEdge(made[_edges[e].From], made[_edges[e].To], _kinds[_edges[e].Relation], _edges[e].Entry))],
                complete);
        }

        internal List<LineageFact> Search(string kind, string text, int most)
        {
            List<LineageFact> found = [];
            if (_kindIds.TryGetValue(kind, out int id))
            {
                for (int node = 0; node < _nodes.Count; node++)
                {
                    if (_nodes[node].Kind == id && (_nodes[node].Name.Contains(text, StringComparison.OrdinalIgnoreCase) || (Label(node)?.Contains(text, StringComparison.OrdinalIgnoreCase) ?? false)))
                    {
                        found.Add(new LineageFact(this[node], Label(node), 0));
                    }
                }
            }

            return [.. found.OrderBy(f => f.Node.Name, StringComparer.Ordinal).Take(most)];
        }

        internal void Save(SnapshotWriter to)
        {
            to.Number(_kinds.Count);
            _kinds.ForEach(to.Text);
            to.Number(_nodes.Count);
            for (int node = 0; node < _nodes.Count; node++)
            {
                to.Number(_nodes[node].Kind);
                to.Text(_nodes[node].Name);
                to.Optional(Label(node));
            }

            to.Number(Edges);
            foreach (Edge edge in _edges.Where(e => !e.IsHole))
            {
                to.Number(edge.From);
                to.Number(edge.To);
                to.Number(edge.Relation);
                to.Number(edge.Entry);
            }

            to.Number(Runs.Count);
            foreach ((string run, RunMarks marks) in Runs.OrderBy(r => r.Key, StringComparer.Ordinal))
            {
                to.Text(run);
                to.Number(marks.Start);
                to.Number(marks.End ?? -1);
            }

            to.Number(Versions.Count);
            foreach ((string model, int versions) in Versions.OrderBy(v => v.Key, StringComparer.Ordinal))
            {
                to.Text(model);
                to.Number(versions);
            }
        }

        internal static Graph Load(SnapshotReader from)
        {
            Graph graph = new();
            for (int left = from.Count(); left > 0; left--)
            {
                if (graph.KindId(from.Text()) != graph._kinds.Count - 1)
                {
                    throw SnapshotReader.Broken();
                }
            }

            int nodes = from.Count(bytesEach: 3);
            graph._ids.EnsureCapacity(nodes);
            for (int i = 0; i < nodes; i++)
            {
                string kind = graph._kinds[from.Int(0, graph._kinds.Count - 1)];
                if (graph.Node(kind, from.Text()) != i)
                {
                    throw SnapshotReader.Broken();
                }

                if (from.OptionalText() is { } label)
                {
                    graph._labels[i] = label;
                }
            }

            for (int left = from.Count(); left > 0; left--)
            {
                graph.Add(from.Int(0, nodes - 1), from.Int(0, nodes - 1), from.Int(0, graph._kinds.Count - 1), from.Number());
            }

            for (int left = from.Count(); left > 0; left--)
            {
                string run = from.Text();
                long start = from.Number();
                long end = from.Number();
                if (!graph.Runs.TryAdd(run, new RunMarks(start, end < 0 ? null : end)))
                {
                    throw SnapshotReader.Broken();
                }
            }

            for (int left = from.Count(); left > 0; left--)
            {
                if (!graph.Versions.TryAdd(from.Text(), from.Int(least: 0)))
                {
                    throw SnapshotReader.Broken();
                }
            }

            from.End();
            return graph;
        }

        private bool IsContext(int relation) => _kinds[relation] is Followed or Triggered;

        private int KindId(string kind)
        {
            if (!_kindIds.TryGetValue(kind, out int id))
            {
                id = _kinds.Count;
                _kindIds.Add(kind, id);
                _kinds.Add(kind);
            }

            return id;
        }

        private void Add(int from, int to, int relation, long entry)
        {
            _edges.Add(new Edge(from, to, relation, entry, _firstOut[from], _firstIn[to]));
            _firstOut[from] = _firstIn[to] = _edges.Count - 1;
        }

        private void Cut(int edge)
        {
            Edge cut = _edges[edge];
            Unhook(_firstOut, cut.From, edge, cut.NextOut, e => e.NextOut, (e, next) => e with { NextOut = next });
            Unhook(_firstIn, cut.To, edge, cut.NextIn, e => e.NextIn, (e, next) => e with { NextIn = next });
            _edges[edge] = cut with { From = -1 }; // its own links stay: a walk may stand on it
            _holes++;
        }

        private void Unhook(List<int> first, int node, int edge, int after, Func<Edge, int> next, Func<Edge, int, Edge> link)
        {
            if (first[node] == edge)
            {
                first[node] = after;
                return;
            }

            int at = first[node];
            while (next(_edges[at]) != edge)
            {
                at = next(_edges[at]);
            }

            _edges[at] = link(_edges[at], after);
        }

        private void CloseHoles()
        {
            if (_holes <= 1_000 + (_edges.Count / 2))
            {
                return;
            }

            List<Edge> old = _edges;
            _edges = new List<Edge>(old.Count - _holes);
            _holes = 0;
            for (int node = 0; node < _nodes.Count; node++)
            {
                _firstOut[node] = _firstIn[node] = -1;
            }

            foreach (Edge edge in old)
            {
                if (!edge.IsHole)
                {
                    Add(edge.From, edge.To, edge.Relation, edge.Entry);
                }
            }
        }

        private readonly record struct Edge(int From, int To, int Relation, long Entry, int NextOut, int NextIn)
        {
            internal bool IsHole => From < 0;
        }
    }
}
