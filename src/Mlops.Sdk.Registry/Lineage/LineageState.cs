using System.Buffers;
using System.Globalization;

namespace Mlops.Sdk.Registry;

/// <summary>Who was made of what, folded from the ledger: numbered nodes and edges in arrays, each node with the list of its edges.</summary>
/// <remarks>
/// Aliases and deployments have the edge they have now; earlier ones are in the ledger. Removing an edge leaves a hole, and holes are
/// closed when they outnumber the edges. One lock guards it.
/// </remarks>
internal sealed class LineageState : ISnapshotProjection
{
    internal const string Followed = "followed";
    internal const string Triggered = "triggered";
    private const int NewestFormat = 1;
    private readonly Lock _gate = new();
    private Graph _graph = new();

    public string SnapshotName => "lineage";

    public int SnapshotFormat => 1;

    public ISnapshotProjection NewEmpty() => new LineageState();

    public void Apply(LedgerEntry entry)
    {
        if (entry.Outcome != LedgerOutcome.Done || entry.Format > NewestFormat)
        {
            return; // what a newer library wrote is connected by that library
        }

        lock (_gate)
        {
            switch (entry.Kind)
            {
                case LedgerKinds.RunStarted when LedgerData.TryRead(entry.Data, out RunStart? start):
                    Start(entry, start);
                    break;
                case LedgerKinds.RunEnded when LedgerData.TryRead(entry.Data, out RunEnd? end):
                    End(entry, end);
                    break;
                case LedgerKinds.RunDataUsed when LedgerData.TryRead(entry.Data, out DataUseNote? use):
                    Use(entry, use);
                    break;
                case LedgerKinds.VersionRegistered when LedgerData.TryRead(entry.Data, out VersionNote? version):
                    Register(entry, version);
                    break;
                case LedgerKinds.AliasMoved when LedgerData.TryRead(entry.Data, out AliasNote? move):
                    Move(entry, move);
                    break;
                case LedgerKinds.DeploymentStarted when LedgerData.TryRead(entry.Data, out DeploymentNote? note):
                    Deploy(entry, note, starts: true);
                    break;
                case LedgerKinds.DeploymentEnded when LedgerData.TryRead(entry.Data, out DeploymentNote? note):
                    Deploy(entry, note, starts: false);
                    break;
                case LedgerKinds.AlertRaised when LedgerData.TryRead(entry.Data, out AlertNote? alert):
                    Alert(entry, alert);
                    break;
                case LedgerKinds.ApprovalGiven when LedgerData.TryRead(entry.Data, out ApprovalNote? approval):
                    Approve(entry, approval);
                    break;
                case LedgerKinds.Linked when LedgerData.TryRead(entry.Data, out LinkNote? link):
                    Link(entry, link);
                    break;
                default:
                    break;
            }
        }
    }

    internal T Read<T>(Func<Graph, T> read)
    {
        lock (_gate)
        {
            return read(_graph);
        }
    }

    internal static bool IsEnd(LinkEnd? end) => end is { Kind.Length: >= 1 and <= 64, Name.Length: >= 1 and <= 512 } && IsWord(end.Kind) && !end.Name.Any(char.IsControl);

    internal static bool IsRelation(string? relation) => relation is { Length: >= 1 and <= 64 } && IsWord(relation) && relation is not (Followed or Triggered);

    private static bool IsWord(string text) => text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');

    private void Start(LedgerEntry entry, RunStart start)
    {
        if (entry.Resource.Kind != "run" || entry.Resource.Name != start.RunId || !RegistryRules.IsName(start.RunId) || _graph.Runs.ContainsKey(start.RunId))
        {
            return;
        }

        int run = _graph.Node(LineageKinds.Run, start.RunId);
        _graph.Runs.Add(start.RunId, new RunMarks(entry.Number, null));
        int colon = start.Trigger.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0 && _graph.Find(LineageKinds.Alert, start.Trigger[(colon + 1)..]) is { } alert)
        {
            _graph.Connect(alert, run, Triggered, entry.Number);
        }
    }

    private void End(LedgerEntry entry, RunEnd end)
    {
        if (end.RunId == entry.Resource.Name && _graph.Runs.TryGetValue(end.RunId, out RunMarks marks) && marks.End is null)
        {
            _graph.Runs[end.RunId] = marks with { End = entry.Number };
        }
    }

    private void Use(LedgerEntry entry, DataUseNote use)
    {
        if (use.Digest.HasValue && _graph.Find(LineageKinds.Run, use.RunId) is { } run)
        {
            int dataset = Dataset(entry, use.Digest, use.Source);
            _graph.SetLabel(dataset, use.Name);
            _graph.Connect(dataset, run, "used", entry.Number);
        }
    }

    private int Dataset(LedgerEntry entry, Digest digest, string source)
    {
        int dataset = _graph.Node(LineageKinds.Dataset, digest.ToString());
        if (source.Length > 0)
        {
            if (_graph.Label(dataset) is null)
            {
                _graph.SetLabel(dataset, source);
            }

            _graph.Connect(_graph.Node(LineageKinds.Source, source), dataset, "provided", entry.Number);
        }

        return dataset;
    }

    private void Register(LedgerEntry entry, VersionNote note)
    {
        int next = _graph.Versions.GetValueOrDefault(note.Model) + 1;
        if (entry.Resource.Kind != "model" || entry.Resource.Name != note.Model || !RegistryRules.IsName(note.Model) || note.Number != next || !note.Digest.HasValue || !Enum.IsDefined(note.Status))
        {
            return;
        }

        _graph.Versions[note.Model] = next;
        int version = _graph.Node(LineageKinds.Version, VersionName(note.Model, next));
        if (note.Parent is { } parent && parent >= 1 && parent < next)
        {
            _graph.Connect(_graph.Node(LineageKinds.Version, VersionName(note.Model, parent)), version, Followed, entry.Number);
        }

        int? run = note.RunId is null ? null : _graph.Find(LineageKinds.Run, note.RunId);
        if (note.Dataset is { Fingerprint.HasValue: true } dataset)
        {
            int data = Dataset(entry, dataset.Fingerprint, dataset.Source);
            _graph.Connect(data, run ?? version, run is null ? "trained" : "used", entry.Number);
        }

        if (run is { } maker)
        {
            _graph.Connect(maker, version, "made", entry.Number);
            if (_graph.Runs.TryGetValue(note.RunId!, out RunMarks marks))
            {
                _graph.Runs[note.RunId!] = marks with { End = entry.Number };
            }
        }
    }

    private void Move(LedgerEntry entry, AliasNote note)
    {
        if (entry.Resource.Kind != "model" || entry.Resource.Name != note.Model || !RegistryRules.IsAlias(note.Alias) || note.To < 0 || note.To > _graph.Versions.GetValueOrDefault(note.Model))
        {
            return;
        }

        Point(_graph.Node(LineageKinds.Alias, $"{note.Model}@{note.Alias}"), note.Model, note.To, "named", entry.Number);
    }

    private void Deploy(LedgerEntry entry, DeploymentNote note, bool starts)
    {
        if (note.Version < 1 || note.Version > _graph.Versions.GetValueOrDefault(note.Model))
        {
            return;
        }

        string name = $"{note.Model}@{note.Host}";
        if (starts)
        {
            Point(_graph.Node(LineageKinds.Deployment, name), note.Model, note.Version, "served", entry.Number);
        }
        else if (_graph.Find(LineageKinds.Deployment, name) is { } there && _graph.Find(LineageKinds.Version, VersionName(note.Model, note.Version)) is { } version)
        {
            _graph.Disconnect(version, there);
        }
    }

    /// <summary>Lets a node hang on one version and no other; on none for 0.</summary>
    private void Point(int node, string model, int version, string relation, long entry)
    {
        _graph.DisconnectFrom(node, relation);
        if (version > 0)
        {
            _graph.Connect(_graph.Node(LineageKinds.Version, VersionName(model, version)), node, relation, entry);
        }
    }

    private void Alert(LedgerEntry entry, AlertNote note)
    {
        if (note.Version is { } number && note.AlertId.Length > 0 && note.Check.Length > 0 && _graph.Find(LineageKinds.Version, VersionName(note.Model, number)) is { } version)
        {
            int monitor = _graph.Node(LineageKinds.Monitor, $"{VersionName(note.Model, number)}/{note.Check}");
            int alert = _graph.Node(LineageKinds.Alert, note.AlertId);
            _graph.Connect(version, monitor, "watched", entry.Number);
            _graph.Connect(monitor, alert, "raised", entry.Number);
        }
    }

    private void Approve(LedgerEntry entry, ApprovalNote note)
    {
        if (_graph.Find(LineageKinds.Version, VersionName(note.Model, note.Version)) is { } version)
        {
            int decision = _graph.Node(LineageKinds.Decision, string.Create(CultureInfo.InvariantCulture, $"{VersionName(note.Model, note.Version)}/{entry.Number}"));
            _graph.SetLabel(decision, $"{VersionName(note.Model, note.Version)} approved by {entry.Actor.Id}");
            _graph.Connect(version, decision, "approved", entry.Number);
        }
    }

    private void Link(LedgerEntry entry, LinkNote note)
    {
        if (IsEnd(note.From) && IsEnd(note.To) && IsRelation(note.Relation) && note.From != note.To)
        {
            _graph.Connect(_graph.Node(note.From.Kind, note.From.Name), _graph.Node(note.To.Kind, note.To.Name), note.Relation, entry.Number);
        }
    }

    private static string VersionName(string model, int number) => string.Create(CultureInfo.InvariantCulture, $"{model}/{number}");

    public void SaveSnapshot(IBufferWriter<byte> writer) => _graph.Save(new SnapshotWriter(writer));

    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot)
    {
        Graph graph = Graph.Load(new SnapshotReader(snapshot));
        lock (_gate)
        {
            _graph = graph;
        }
    }

    /// <summary>The ledger entries that started and ended a run.</summary>
    internal readonly record struct RunMarks(long Start, long? End);

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
