using System.Buffers;
using System.Globalization;

namespace Mlops.Sdk.Registry;

/// <summary>Who was made of what, folded from the ledger: numbered nodes and edges in arrays, each node with the list of its edges.</summary>
/// <remarks>
/// Aliases and deployments have the edge they have now; earlier ones are in the ledger. Removing an edge leaves a hole, and holes are
/// closed when they outnumber the edges. One lock guards it.
/// </remarks>
internal sealed partial class LineageState : ISnapshotProjection
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
}
