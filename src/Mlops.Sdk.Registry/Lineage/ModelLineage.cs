namespace Mlops.Sdk.Registry;

/// <summary>Answers where things come from and what hangs on them. Every answer sees all that was committed before it, by any process.</summary>
/// <remarks>
/// The graph is folded from the ledger by itself: runs, the data they used, versions, aliases, hosts, checks, alerts and approvals. What
/// the library cannot see, such as the features made of a table, is declared by <see cref="LinkAsync"/>. Thread-safe.
/// </remarks>
public sealed class ModelLineage
{
    private const int MaxNodes = 100_000;
    private readonly ILedger _ledger;
    private readonly IModelCatalog _catalog;
    private readonly LineageState _state = new();
    private volatile bool _attached;

    internal ModelLineage(ILedger ledger, IModelCatalog catalog) => (_ledger, _catalog) = (ledger, catalog);

    /// <summary>Tells what a thing was made of.</summary>
    /// <param name="node">The thing.</param>
    /// <param name="reach">How far to go, or null for the defaults.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The part of the graph before it, itself included.</returns>
    /// <exception cref="MlopsNotFoundException">The ledger knows no such thing; code <c>lineage.not_found</c>.</exception>
    public ValueTask<LineageGraph> UpstreamAsync(LineageNode node, LineageReach? reach = null, CancellationToken cancellationToken = default) =>
        WalkAsync(node, down: false, reach, cancellationToken);

    /// <summary>Tells what was made of a thing and depends on it.</summary>
    /// <param name="node">The thing.</param>
    /// <param name="reach">How far to go, or null for the defaults.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The part of the graph after it, itself included.</returns>
    /// <exception cref="MlopsNotFoundException">The ledger knows no such thing; code <c>lineage.not_found</c>.</exception>
    public ValueTask<LineageGraph> DownstreamAsync(LineageNode node, LineageReach? reach = null, CancellationToken cancellationToken = default) =>
        WalkAsync(node, down: true, reach, cancellationToken);

    /// <summary>Answers "which features, runs, versions, aliases and live hosts depend on this?", such as on a dataset that was found to be wrong.</summary>
    /// <param name="node">The thing.</param>
    /// <param name="reach">How far to go, or null for the defaults.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>What depends on it, by kind; each list in the order in which the ledger first spoke of its things.</returns>
    /// <exception cref="MlopsNotFoundException">The ledger knows no such thing; code <c>lineage.not_found</c>.</exception>
    public async ValueTask<LineageImpact> ImpactAsync(LineageNode node, LineageReach? reach = null, CancellationToken cancellationToken = default)
    {
        reach = Check(reach);
        await CatchUpAsync(cancellationToken).ConfigureAwait(false);
        return Impact(_state, node, reach);
    }

    /// <summary>Tells how one thing came to be part of another: everything that lies on a way between them.</summary>
    /// <param name="from">Where the ways start, such as a dataset.</param>
    /// <param name="to">Where they end, such as an alias.</param>
    /// <param name="reach">How far to go from either end, or null for the defaults.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The part of the graph between them; empty when there is no way.</returns>
    /// <exception cref="MlopsNotFoundException">The ledger knows one of them not; code <c>lineage.not_found</c>.</exception>
    public async ValueTask<LineageGraph> BetweenAsync(LineageNode from, LineageNode to, LineageReach? reach = null, CancellationToken cancellationToken = default)
    {
        reach = Check(reach);
        await CatchUpAsync(cancellationToken).ConfigureAwait(false);
        return _state.Read(graph =>
        {
            int end = Find(graph, to);
            (List<(int Node, int Depth)> down, bool all) = graph.Walk(Find(graph, from), down: true, reach);
            (List<(int Node, int Depth)> up, bool whole) = graph.Walk(end, down: false, reach);
            HashSet<int> before = [.. up.Select(u => u.Node)];
            List<(int Node, int Depth)> between = down.FindAll(d => before.Contains(d.Node));
            return graph.Pick(between, all && whole, reach.Context);
        });
    }

    /// <summary>Finds things by a part of their name or of what people call them, such as the datasets named <c>reports</c>.</summary>
    /// <param name="kind">What they are, such as <see cref="LineageKinds.Dataset"/>.</param>
    /// <param name="text">The part; letter case does not count.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The first 1,000 by name.</returns>
    public async ValueTask<IReadOnlyList<LineageFact>> FindAsync(string kind, string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(kind);
        ArgumentNullException.ThrowIfNull(text);
        await CatchUpAsync(cancellationToken).ConfigureAwait(false);
        return _state.Read(graph => graph.Search(kind, text, 1_000));
    }

    /// <summary>Declares that one thing depends on another. Declaring it again writes nothing.</summary>
    /// <param name="from">Where it comes from.</param>
    /// <param name="to">What was made of it or depends on it.</param>
    /// <param name="relation">How, such as <c>used</c>: 1 to 64 of <c>a-z 0-9 - _</c>, not <c>followed</c> or <c>triggered</c>.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when the connection is durable.</returns>
    /// <exception cref="MlopsDataException">An end or the relation breaks the rules, or both ends are the same; code <c>lineage.invalid_link</c>.</exception>
    public async ValueTask LinkAsync(LineageNode from, LineageNode to, string relation, string reason, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(relation);
        RegistryRules.CheckReason(reason);
        LinkNote note = new(new LinkEnd(from.Kind, from.Name), new LinkEnd(to.Kind, to.Name), relation);
        if (!LineageState.IsEnd(note.From) || !LineageState.IsEnd(note.To) || !LineageState.IsRelation(relation) || from == to)
        {
            throw new MlopsDataException("lineage.invalid_link", $"A connection joins two different things, each with a kind (1 to 64 of 'a-z', '0-9', '-', '_') and a name (1 to 512 characters, no control characters), by a relation of the same form that is not '{LineageState.Followed}' or '{LineageState.Triggered}'; found {RegistryRules.Show(from.Kind)} {RegistryRules.Show(from.Name)} {RegistryRules.Show(relation)} {RegistryRules.Show(to.Kind)} {RegistryRules.Show(to.Name)}.");
        }

        await CatchUpAsync(cancellationToken).ConfigureAwait(false);
        LedgerDraft draft = new(LedgerKinds.Linked, new LedgerResource("lineage", $"{to.Kind}/{to.Name}"), reason, LedgerData.Of(note));
        await RecordedAppend.AppendAsync(_ledger, $"lineage:{to.Kind}/{to.Name}", draft, () => _state.Read(graph => IsLinked(graph, note) ? (IReadOnlyList<LedgerDraft>)[] : [draft]), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Tells the runs of the ledger as OpenLineage run events (specification 2-0-2), oldest first: what a lineage server takes in.</summary>
    /// <param name="runId">The run to tell about, or null for all.</param>
    /// <param name="options">Names in the events, or null for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>One JSON document each: START when a run starts, COMPLETE with inputs and outputs when it made a version, FAIL or ABORT when it did not.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such run; code <c>lineage.not_found</c>.</exception>
    public async IAsyncEnumerable<string> OpenLineageAsync(string? runId = null, OpenLineageOptions? options = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        long first = 0;
        long last = long.MaxValue;
        if (runId is not null)
        {
            await CatchUpAsync(cancellationToken).ConfigureAwait(false);
            LineageState.RunMarks marks = _state.Read(graph => graph.Runs.TryGetValue(runId, out LineageState.RunMarks m) ? m : throw NotFound(LineageNode.Run(runId)));
            (first, last) = (marks.Start, marks.End ?? long.MaxValue);
        }

        OpenLineageWriter writer = new(options ?? new OpenLineageOptions(), _catalog);
        await foreach (LedgerEntry entry in _ledger.ReadAsync(first, cancellationToken).ConfigureAwait(false))
        {
            if (entry.Number > last)
            {
                yield break;
            }

            if (await writer.TakeAsync(entry, runId, cancellationToken).ConfigureAwait(false) is { } text)
            {
                yield return text;
            }
        }
    }

    internal static LineageImpact Impact(LineageState state, LineageNode node, LineageReach reach)
    {
        return state.Read(graph =>
        {
            (List<(int Node, int Depth)> reached, bool complete) = graph.Walk(Find(graph, node), down: true, reach);
            string[] named = [LineageKinds.Feature, LineageKinds.Run, LineageKinds.Version, LineageKinds.Alias, LineageKinds.Deployment, LineageKinds.Monitor];
            List<LineageNode>[] byKind = [.. named.Append(string.Empty).Select(_ => new List<LineageNode>())];
            int[] places = [.. graph.Kinds.Select(k => Array.IndexOf(named, k) is var at && at >= 0 ? at : named.Length)];
            bool[] there = new bool[graph.Nodes];
            foreach ((int number, int depth) in reached)
            {
                there[number] = depth > 0;
            }

            for (int number = 0; number < there.Length; number++)
            {
                if (there[number])
                {
                    byKind[places[graph.KindIdOf(number)]].Add(graph[number]);
                }
            }

            return new LineageImpact(node, byKind[0], byKind[1], byKind[2], byKind[3], byKind[4], byKind[5], byKind[6], complete);
        });
    }

    internal static LineageGraph Walk(LineageState state, LineageNode node, bool down, LineageReach reach) => state.Read(graph =>
    {
        (List<(int Node, int Depth)> reached, bool complete) = graph.Walk(Find(graph, node), down, reach);
        return graph.Pick(reached, complete, reach.Context);
    });

    internal async ValueTask CatchUpAsync(CancellationToken cancellationToken)
    {
        if (!_attached)
        {
            await _ledger.AttachAsync(_state, cancellationToken).ConfigureAwait(false);
            _attached = true;
        }

        await _ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<LineageGraph> WalkAsync(LineageNode node, bool down, LineageReach? reach, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(node);
        reach = Check(reach);
        await CatchUpAsync(cancellationToken).ConfigureAwait(false);
        return Walk(_state, node, down, reach);
    }

    private static LineageReach Check(LineageReach? reach)
    {
        reach ??= new LineageReach();
        ArgumentOutOfRangeException.ThrowIfLessThan(reach.Depth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(reach.Nodes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reach.Nodes, MaxNodes);
        return reach;
    }

    private static bool IsLinked(LineageState.Graph graph, LinkNote note)
    {
        return graph.Find(note.From.Kind, note.From.Name) is { } from && graph.Find(note.To.Kind, note.To.Name) is { } to && graph.IsConnected(from, to, note.Relation);
    }

    private static int Find(LineageState.Graph graph, LineageNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return graph.Find(node.Kind, node.Name) ?? throw NotFound(node);
    }

    private static MlopsNotFoundException NotFound(LineageNode node) => new(
        "lineage.not_found",
        $"The ledger knows no {RegistryRules.Show(node.Kind)} {RegistryRules.Show(node.Name)}. Find its name with {nameof(FindAsync)}, or declare it with {nameof(LinkAsync)}.");
}
