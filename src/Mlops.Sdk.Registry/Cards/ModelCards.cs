using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>Makes model cards from facts, and keeps what people write in them. Thread-safe.</summary>
public sealed class ModelCards
{
    private const string RunReportFile = "run.json"; // Mlops.Sdk.Pipelines writes it; Registry does not know that package
    private const int MaxReportBytes = 32 * 1024 * 1024;
    private const int MostListed = 100;
    private const int MostCandidates = 1_000;
    private readonly ILedger _ledger;
    private readonly IModelCatalog _catalog;
    private readonly IArtifactStore _artifacts;
    private readonly CatalogView _view;
    private readonly ModelLineage _lineage;

    internal ModelCards(ILedger ledger, IModelCatalog catalog, IArtifactStore artifacts, CatalogView view, ModelLineage lineage) =>
        (_ledger, _catalog, _artifacts, _view, _lineage) = (ledger, catalog, artifacts, view, lineage);

    /// <summary>Makes the card of a version.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version's number.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The card.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such version; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsIntegrityException">A newer library wrote about the model (<c>registry.newer_format</c>), or its manifest is not what was registered.</exception>
    public async ValueTask<ModelCard> CardAsync(string model, int version, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        await _view.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        (ModelCard card, string? runId) = _view.State.Read(() => Facts(model, version));
        if (!card.Deleted)
        {
            ModelVersion registered = new(model, version, card.Digest, card.Status, runId, card.Reason, new Actor(card.RegisteredBy), card.RegisteredAt);
            ModelManifest manifest = Sorted(await _catalog.ReadManifestAsync(registered, cancellationToken).ConfigureAwait(false));
            card = await AddReportAsync(card with { Manifest = manifest }, manifest, cancellationToken).ConfigureAwait(false);
        }

        IReadOnlyList<LedgerEntry> history = await _catalog.HistoryAsync(model, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<DeploymentInterval> deployments = await _catalog.DeploymentsAsync(model, cancellationToken).ConfigureAwait(false);
        LineageGraph madeOf = await _lineage.UpstreamAsync(LineageNode.Version(model, version), new LineageReach { Nodes = 201 }, cancellationToken).ConfigureAwait(false);
        return card with
        {
            Approvals = [.. history.Where(e => e.Kind == LedgerKinds.ApprovalGiven && e.Outcome == LedgerOutcome.Done && LedgerData.TryRead(e.Data, out ApprovalNote? note) && note.Version == version && note.Digest == card.Digest)
                .Select(e => new CardApproval(e.Actor.ToString(), e.Time, e.Reason))],
            Changes = [.. history.Where(e => IsAbout(e, version)).TakeLast(MostListed).Select(e => new CardChange(e.Number, e.Kind, e.Outcome, e.Actor.ToString(), e.Time, e.Reason))],
            Deployments = [.. deployments.Where(d => d.Version == version).TakeLast(MostListed)],
            MadeOf = [.. madeOf.Nodes.Skip(1)],
        };
    }

    /// <summary>Writes a section of a card: for every version of a model, or for one, which then stands before the model's.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version's number, or null for every version, those to come included.</param>
    /// <param name="section">The section's name, such as <c>intended-use</c> or <c>limitations</c>: 1 to 64 of <c>a-z 0-9 -</c>.</param>
    /// <param name="text">The text in Markdown, at most 65,536 characters; empty takes the section out.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when the section is durable. Writing the text that is there already writes nothing.</returns>
    /// <exception cref="MlopsDataException">The name, the text or their number break the rules; code <c>card.invalid_section</c>.</exception>
    /// <exception cref="MlopsNotFoundException">There is no such model or version; code <c>registry.version_not_found</c>.</exception>
    public async ValueTask WriteSectionAsync(string model, int? version, string section, string text, string reason, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckModelName(model);
        CardRules.Check(section, text);
        RegistryRules.CheckReason(reason);
        await _view.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        LedgerDraft draft = new(LedgerKinds.CardEdited, new LedgerResource("model", model, version), reason, LedgerData.Of(new CardNote(model, version, section, text)));
        await RecordedAppend.AppendAsync(_ledger, $"model:{model}", draft, () => _view.State.Read(() => Decide(model, version, section, text) ? (IReadOnlyList<LedgerDraft>)[draft] : []), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether writing the section changes anything; only under the lock.</summary>
    private bool Decide(string model, int? version, string section, string text)
    {
        ModelFacts facts = _view.State.Registered(model);
        List<KeyValuePair<string, SectionFacts>> sections = version is null ? facts.Sections : Find(facts, version.Value).Sections;
        bool there = Pairs.Find(sections, section, out SectionFacts? old);
        if (!there && text.Length > 0 && sections.Count >= CardRules.MaxSections)
        {
            throw new MlopsDataException("card.invalid_section", $"A card has at most {CardRules.MaxSections} sections; that of '{model}' has them. Take one out first.");
        }

        return there ? old!.Text != text : text.Length > 0;
    }

    private (ModelCard Card, string? RunId) Facts(string model, int number)
    {
        ModelFacts facts = _view.State.Registered(model);
        VersionFacts version = Find(facts, number);
        SortedDictionary<string, string> tags = new(StringComparer.Ordinal);
        foreach ((string key, string value) in facts.Tags.Concat(version.Tags))
        {
            tags[key] = value;
        }

        Dictionary<string, CardSection> sections = new(StringComparer.Ordinal);
        foreach ((List<KeyValuePair<string, SectionFacts>> list, bool ofModel) in (ReadOnlySpan<(List<KeyValuePair<string, SectionFacts>>, bool)>)[(facts.Sections, true), (version.Sections, false)])
        {
            foreach ((string name, SectionFacts section) in list)
            {
                sections[name] = new CardSection(name, section.Text, section.By, new DateTimeOffset(section.At, TimeSpan.Zero), section.Reason, ofModel);
            }
        }

        return (new ModelCard
        {
            Model = facts.Name,
            Version = number,
            Digest = version.Digest,
            Description = facts.Description,
            Owner = facts.Owner,
            Status = version.Status,
            Stage = version.StageName,
            Aliases = [.. facts.Aliases.Where(a => a.Value == number).Select(a => a.Key)],
            Deprecated = version.Deprecated,
            Successor = version.Successor,
            Deleted = version.Deleted,
            Drift = version.Drift,
            Signed = version.Signed,
            Rating = facts.Feedback.Summary,
            AccessRequests = facts.Feedback.Requests.Count,
            OpenAccessRequests = facts.Feedback.Open,
            RegisteredBy = version.By,
            RegisteredAt = new DateTimeOffset(version.At, TimeSpan.Zero),
            Reason = version.Reason,
            Tags = tags,
            Sections = [.. sections.Values.OrderBy(s => CardRules.Place(s.Name)).ThenBy(s => s.Name, StringComparer.Ordinal)],
            Missing = [.. CardRules.Order.Where(s => s is "intended-use" or "out-of-scope" or "limitations" or "contact" && !sections.ContainsKey(s))],
        }, version.RunId);
    }

    private static VersionFacts Find(ModelFacts facts, int number) =>
        facts.Find(number) ?? throw new MlopsNotFoundException("registry.version_not_found", $"Model '{facts.Name}' has versions 1 to {facts.Versions.Count}; there is no version {number}.");

    private static bool IsAbout(LedgerEntry entry, int version) => entry.Kind switch
    {
        LedgerKinds.AliasMoved => LedgerData.TryRead(entry.Data, out AliasNote? move) && (move.To == version || move.From == version),
        LedgerKinds.ModelDescribed => true,
        LedgerKinds.TagSet or LedgerKinds.CardEdited => entry.Resource.Version is null || entry.Resource.Version == version,
        _ => entry.Resource.Version == version,
    };

    private static ModelManifest Sorted(ModelManifest manifest) => manifest with
    {
        Parameters = Sorted(manifest.Parameters),
        Metrics = Sorted(manifest.Metrics),
        Environment = manifest.Environment is { } e ? e with { Packages = Sorted(e.Packages) } : null,
    };

    private static SortedDictionary<string, T> Sorted<T>(IReadOnlyDictionary<string, T> values)
    {
        SortedDictionary<string, T> sorted = new(StringComparer.Ordinal);
        foreach ((string key, T value) in values)
        {
            sorted.Add(key, value);
        }

        return sorted;
    }

    /// <summary>Adds what the report of the run tells: candidates, slices, rows that broke a rule. A report that does not read adds nothing: the card is true without it.</summary>
    private async ValueTask<ModelCard> AddReportAsync(ModelCard card, ModelManifest manifest, CancellationToken cancellationToken)
    {
        ModelFile? file = manifest.Files.FirstOrDefault(f => f.Name == RunReportFile);
        if (file is null || file.Length > MaxReportBytes)
        {
            return card;
        }

        byte[] bytes = await _artifacts.ReadAsync(file.Digest, MaxReportBytes, cancellationToken).ConfigureAwait(false);
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement root = document.RootElement;
            return card with
            {
                Candidates = [.. Items(root, "leaderboard").Take(MostCandidates).Select(r => new CardCandidate(Text(r, "candidate") ?? string.Empty, Metrics(r), Text(r, "problem")))],
                Slices = [.. Items(Child(root, "evaluation"), "slices").Take(MostListed).Select(s => new CardSlice(Text(s, "column") ?? string.Empty, Text(s, "value") ?? string.Empty, Number(s, "rows"), Text(s, "metric") ?? string.Empty, Metric(Child(s, "value95"))))],
                RejectedRows = Child(root, "rejectedByRule") is { ValueKind: JsonValueKind.Object } rules
                    ? new SortedDictionary<string, long>(rules.EnumerateObject().Take(MostCandidates).Where(r => r.Value.ValueKind == JsonValueKind.Number).DistinctBy(r => r.Name, StringComparer.Ordinal).ToDictionary(r => r.Name, r => r.Value.TryGetInt64(out long n) ? n : 0, StringComparer.Ordinal), StringComparer.Ordinal)
                    : new SortedDictionary<string, long>(StringComparer.Ordinal),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return card;
        }
    }

    private static JsonElement Child(JsonElement parent, string name) => parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement child) ? child : default;

    private static IEnumerable<JsonElement> Items(JsonElement parent, string name) => Child(parent, name) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray().Where(i => i.ValueKind == JsonValueKind.Object) : [];

    private static string? Text(JsonElement parent, string name) => Child(parent, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static long Number(JsonElement parent, string name) => Child(parent, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out long value) ? value : 0;

    private static double? Real(JsonElement parent, string name) => Child(parent, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetDouble(out double value) && double.IsFinite(value) ? value : null;

    private static MetricValue? Metric(JsonElement metric) => Real(metric, "value") is { } value ? new MetricValue(value, Real(metric, "lower"), Real(metric, "upper")) : null;

    private static SortedDictionary<string, MetricValue> Metrics(JsonElement row)
    {
        SortedDictionary<string, MetricValue> metrics = new(StringComparer.Ordinal);
        if (Child(row, "metrics") is { ValueKind: JsonValueKind.Object } all)
        {
            foreach (JsonProperty property in all.EnumerateObject())
            {
                if (Metric(property.Value) is { } metric)
                {
                    metrics[property.Name] = metric;
                }
            }
        }

        return metrics;
    }
}
