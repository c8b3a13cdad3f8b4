using System.Globalization;
using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>Finds models and versions by words, facts and quality. Every answer sees all that was committed before it, by any process.</summary>
/// <remarks>
/// Thread-safe. The index is made at the first search and follows the ledger from then on.
/// <para>
/// The score is the words' score (BM25; the name counts 6 times, tags 3, description and algorithm 2, cards and reasons once), or 1 without
/// words, times: 2 when the words are the model's whole name, 1.5 for the alias <c>champion</c> or 1.2 for another one, 1.1 when a host
/// serves it, 0.8 when it drifts, 0.3 when it is deprecated, 0.3 when it was rejected, 1 + 2^(-age / 90 days) / 4, and for a
/// model that people rated 1 + (<see cref="RatingSummary.LowerBound"/> - <see cref="RatingSummary.Unrated"/>) / 10.
/// </para>
/// </remarks>
public sealed class CatalogSearch
{
    private const int MaxTake = 1_000;
    private const int MaxMatching = 100;
    private const int KeptSchemas = 10_000;
    private readonly CatalogView _view;
    private readonly IModelCatalog _catalog;
    private readonly TimeProvider _time;
    private readonly Dictionary<Digest, (Digest Digest, ModelSchema Schema)> _schemas = [];

    internal CatalogSearch(CatalogView view, IModelCatalog catalog, TimeProvider time) => (_view, _catalog, _time) = (view, catalog, time);

    /// <summary>Lists every model with its best version: owner, stage, task, metrics.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The first 1,000 models by name.</returns>
    public ValueTask<CatalogPage> ListAsync(CancellationToken cancellationToken = default) =>
        SearchAsync(new CatalogQuery { Order = CatalogOrder.Name, Take = MaxTake }, cancellationToken);

    /// <summary>Searches by text, such as <c>fraud alias:champion metric.auc&gt;0.9 tag:eu owner:ann</c>.</summary>
    /// <param name="text">The text; <see cref="CatalogFilter.Parse"/> describes it.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The first 20 models.</returns>
    /// <exception cref="MlopsDataException">The text is no query; code <c>catalog.invalid_query</c>.</exception>
    public ValueTask<CatalogPage> SearchAsync(string text, CancellationToken cancellationToken = default) =>
        SearchAsync(new CatalogQuery { Filter = CatalogFilter.Parse(text) }, cancellationToken);

    /// <summary>Searches.</summary>
    /// <param name="query">What is wanted.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A page of what was found.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number of the query is out of its range.</exception>
    public async ValueTask<CatalogPage> SearchAsync(CatalogQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(query.Filter);
        ArgumentOutOfRangeException.ThrowIfNegative(query.Skip);
        ArgumentOutOfRangeException.ThrowIfNegative(query.Take);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Take, MaxTake);
        ArgumentOutOfRangeException.ThrowIfNegative(query.FacetValues);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.FacetValues, MaxTake);
        if (query.Order is CatalogOrder.MetricHighestFirst or CatalogOrder.MetricLowestFirst)
        {
            ArgumentException.ThrowIfNullOrEmpty(query.OrderMetric);
        }

        await _view.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        long now = _time.GetUtcNow().UtcTicks;
        CatalogPage page = _view.State.Read(() => Search(_view.State, _view.Index, query, now));
        if (query.Schema && page.Hits.Count > 0)
        {
            List<CatalogHit> hits = new(page.Hits.Count);
            foreach (CatalogHit hit in page.Hits)
            {
                hits.Add(hit.Deleted ? hit : await AddSchemaAsync(hit, cancellationToken).ConfigureAwait(false));
            }

            page = page with { Hits = hits };
        }

        return page;
    }

    /// <summary>Answers from the facts; only under the lock of the state.</summary>
    internal static CatalogPage Search(CatalogState state, CatalogIndex index, CatalogQuery query, long now)
    {
        (Bits found, CatalogIndex.Query run) = index.Find(query.Filter, now);
        string? name = WholeName(query.Filter);
        Ranking ranking = new(query.Order, query.Skip + (long)query.Take);
        FacetCounts? facets = query.FacetValues == 0 ? null : new FacetCounts(index.Facets);
        int versions = 0;
        foreach (ModelFacts model in state.Models)
        {
            Candidate best = default;
            int matching = 0;
            foreach (VersionFacts version in model.Versions)
            {
                if (!found[version.Ordinal])
                {
                    continue;
                }

                matching++;
                facets?.Add(version, now, query.Unit == CatalogUnit.Model ? model.Ordinal : ~version.Ordinal);
                double score = Score(version, run.ScoreOf(version.Ordinal), now, name);
                Candidate candidate = new(version, score, Key(query, version, score));
                if (query.Unit == CatalogUnit.Version)
                {
                    ranking.Offer(candidate);
                }
                else if (matching == 1 || candidate.Key > best.Key || (candidate.Key == best.Key && score >= best.Score))
                {
                    best = candidate;
                }
            }

            versions += matching;
            if (matching > 0 && query.Unit == CatalogUnit.Model)
            {
                ranking.Offer(best);
            }
        }

        return new CatalogPage(
            [.. ranking.Page(query.Skip).Select(c => Hit(c, query.Unit, found))],
            ranking.Offered,
            versions,
            facets?.Top(query.FacetValues) ?? new Dictionary<string, IReadOnlyList<CatalogFacetValue>>());
    }

    private static double Score(VersionFacts version, float words, long now, string? name)
    {
        double score = words > 0 ? words : 1;
        if (name is not null && name == version.Model.Name)
        {
            score *= 2;
        }

        if (Pairs.Find(version.Model.Aliases, "champion", out int champion) && champion == version.Number)
        {
            score *= 1.5;
        }
        else if (version.IsNamed)
        {
            score *= 1.2;
        }

        score *= version.IsLive ? 1.1 : 1;
        score *= version.Drift == CatalogDrift.Alerted ? 0.8 : 1;
        score *= version.Deprecated ? 0.3 : 1;
        score *= version.Status == VersionStatus.Rejected ? 0.3 : 1;
        double days = Math.Max(0, now - version.At) / (double)TimeSpan.TicksPerDay;
        score *= 1 + (Math.Pow(2, -days / 90) / 4);
        return version.Model.Feedback.Summary is { } rating ? score * (1 + ((rating.LowerBound - RatingSummary.Unrated) / 10)) : score;
    }

    private static double Key(CatalogQuery query, VersionFacts version, double score) => query.Order switch
    {
        CatalogOrder.Relevance => score,
        CatalogOrder.Newest => version.At,
        CatalogOrder.MetricHighestFirst => version.Metric(query.OrderMetric!)?.Value ?? double.NegativeInfinity,
        CatalogOrder.Rating => version.Model.Feedback.Summary?.LowerBound ?? RatingSummary.Unrated,
        CatalogOrder.MetricLowestFirst => -version.Metric(query.OrderMetric!)?.Value ?? double.NegativeInfinity,
        _ => 0,
    };

    /// <summary>The query's words when they could be a model's whole name.</summary>
    private static string? WholeName(CatalogFilter filter) => filter switch
    {
        WordFilter word => word.Text,
        PhraseFilter phrase => phrase.Text,
        AndFilter and => and.Items.OfType<WordFilter>().Select(w => w.Text).SingleOrDefaultOfOne(),
        _ => null,
    };

    private static CatalogHit Hit(Candidate candidate, CatalogUnit unit, Bits found)
    {
        VersionFacts version = candidate.Version;
        ModelFacts model = version.Model;
        SortedDictionary<string, string> tags = new(StringComparer.Ordinal);
        foreach ((string key, string value) in model.Tags.Concat(version.Tags))
        {
            tags[key] = value;
        }

        List<int> matching = [];
        for (int i = model.Versions.Count - 1; unit == CatalogUnit.Model && i >= 0 && matching.Count < MaxMatching; i--)
        {
            if (found[model.Versions[i].Ordinal])
            {
                matching.Add(i + 1);
            }
        }

        return new CatalogHit
        {
            Model = model.Name,
            Version = version.Number,
            Matching = unit == CatalogUnit.Model ? matching : [version.Number],
            Digest = version.Digest,
            Score = candidate.Score,
            Aliases = Sorted(model.Aliases),
            Description = model.Description,
            Owner = model.Owner,
            Stage = version.StageName,
            Status = version.Status,
            Task = version.Task,
            Algorithm = version.Algorithm,
            ModelFormat = version.Format,
            Metrics = Sorted(version.Metrics),
            Dataset = version.Dataset,
            Tags = tags,
            RegisteredBy = version.By,
            RegisteredAt = new DateTimeOffset(version.At, TimeSpan.Zero),
            Deprecated = version.Deprecated,
            Successor = version.Successor,
            Deleted = version.Deleted,
            Drift = version.Drift,
            ApprovedBy = [.. version.Approvals.Select(a => a.Key)],
            Signed = version.Signed,
            Rating = model.Feedback.Summary,
            AccessRequests = model.Feedback.Requests.Count,
            OpenAccessRequests = model.Feedback.Open,
            Hosts = [.. model.Hosts.Where(h => h.Value == version.Number).Select(h => h.Key)],
            IsComplete = model.NewerEntry is null,
            Use = Use(version),
        };
    }

    internal static string Use(VersionFacts version)
    {
        string model = version.Model.Name; // letters, digits, '-', '_' and '.': safe in a string literal
        if (version.Deleted)
        {
            return $"// {model} version {version.Number} was deleted{(version.Successor is { } other ? $"; use version {other}" : string.Empty)}.";
        }

        string? alias = Pairs.Find(version.Model.Aliases, "champion", out int champion) && champion == version.Number ? "champion" : version.Model.Aliases.Find(a => a.Value == version.Number).Key;
        string note = version.Deprecated ? $"// Deprecated{(version.Successor is { } successor ? $": version {successor} is its successor" : string.Empty)}.\n" : string.Empty;
        return note + alias switch
        {
            "champion" => $"IPredictor<Input, Output> predictor = await mlops.ServeAsync<Input, Output>(\"{model}\");",
            null => $"ModelVersion? version = await mlops.Registry.FindVersionAsync(\"{model}\", {version.Number.ToString(CultureInfo.InvariantCulture)});",
            _ => $"IPredictor<Input, Output> predictor = await mlops.ServeAsync<Input, Output>(\"{model}\", new ServedModelOptions {{ Alias = \"{alias}\" }});",
        };
    }

    private static SortedDictionary<string, T> Sorted<T>(IReadOnlyList<KeyValuePair<string, T>> pairs)
    {
        SortedDictionary<string, T> sorted = new(StringComparer.Ordinal);
        foreach ((string key, T value) in pairs)
        {
            sorted.Add(key, value);
        }

        return sorted;
    }

    private async ValueTask<CatalogHit> AddSchemaAsync(CatalogHit hit, CancellationToken cancellationToken)
    {
        bool known;
        (Digest Digest, ModelSchema Schema) schema;
        lock (_schemas)
        {
            known = _schemas.TryGetValue(hit.Digest, out schema);
        }

        if (!known)
        {
            ModelManifest manifest = await _catalog.ReadManifestAsync(new ModelVersion(hit.Model, hit.Version, hit.Digest, hit.Status, null, string.Empty, Actor.System, hit.RegisteredAt), cancellationToken).ConfigureAwait(false);
            schema = (SchemaDigest(manifest.Schema), manifest.Schema);
            lock (_schemas)
            {
                if (_schemas.Count == KeptSchemas)
                {
                    _schemas.Clear();
                }

                _schemas[hit.Digest] = schema;
            }
        }

        return hit with { SchemaDigest = schema.Digest, Schema = schema.Schema };
    }

    /// <summary>The digest of what callers see: task, label, inputs with kind, source and part, outputs; not the ranges seen in training.</summary>
    internal static Digest SchemaDigest(ModelSchema schema)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            json.WriteString("task", schema.Task.ToString());
            json.WriteString("label", schema.Label);
            json.WriteStartArray("inputs");
            foreach (ModelInput input in schema.Inputs)
            {
                json.WriteStartArray();
                json.WriteStringValue(input.Name);
                json.WriteStringValue(input.Kind.ToString());
                json.WriteStringValue(input.Source);
                json.WriteStringValue(input.Part.ToString());
                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WriteStartArray("outputs");
            foreach (string output in schema.Outputs)
            {
                json.WriteStringValue(output);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Digest.Of(bytes.ToArray());
    }

    private readonly record struct Candidate(VersionFacts Version, double Score, double Key);

    /// <summary>Keeps the first so many of all that is offered.</summary>
    private sealed class Ranking(CatalogOrder order, long keep)
    {
        private readonly List<Candidate> _heap = []; // the last of those kept is at the top

        internal int Offered { get; private set; }

        internal void Offer(Candidate candidate)
        {
            Offered++;
            if (_heap.Count < keep)
            {
                _heap.Add(candidate);
                for (int at = _heap.Count - 1; at > 0 && Compare(_heap[at], _heap[(at - 1) / 2]) > 0; at = (at - 1) / 2)
                {
                    (_heap[at], _heap[(at - 1) / 2]) = (_heap[(at - 1) / 2], _heap[at]);
                }
            }
            else if (_heap.Count > 0 && Compare(candidate, _heap[0]) < 0)
            {
                _heap[0] = candidate;
                Sink();
            }
        }

        internal IEnumerable<Candidate> Page(int skip)
        {
            _heap.Sort(Compare);
            return _heap.Skip(skip);
        }

        private void Sink()
        {
            int at = 0;
            while (true)
            {
                int last = at;
                for (int child = (2 * at) + 1; child <= (2 * at) + 2 && child < _heap.Count; child++)
                {
                    last = Compare(_heap[child], _heap[last]) > 0 ? child : last;
                }

                if (last == at)
                {
                    return;
                }

                (_heap[at], _heap[last]) = (_heap[last], _heap[at]);
                at = last;
            }
        }

        private int Compare(Candidate one, Candidate other)
        {
            int by = order == CatalogOrder.Name ? 0 : other.Key.CompareTo(one.Key);
            by = by != 0 ? by : string.CompareOrdinal(one.Version.Model.Name, other.Version.Model.Name);
            return by != 0 ? by : other.Version.Number.CompareTo(one.Version.Number);
        }
    }

    /// <summary>Counts the values of facets: of models each value once a model.</summary>
    private sealed class FacetCounts(FacetTable table)
    {
        private int[] _counts = new int[table.Count + 64];
        private int[] _lastOwner = new int[table.Count + 64]; // the owner that was counted last, shifted by one so that 0 is none

        internal void Add(VersionFacts version, long now, int owner)
        {
            int[] values = table.Of(version);
            if (table.Count > _counts.Length)
            {
                Array.Resize(ref _counts, 2 * table.Count);
                Array.Resize(ref _lastOwner, 2 * table.Count);
            }

            int mark = owner >= 0 ? owner + 1 : owner;
            foreach (int value in values)
            {
                Count(value, mark);
            }

            Count(FacetTable.AgeOf(now - version.At), mark);
        }

        internal Dictionary<string, IReadOnlyList<CatalogFacetValue>> Top(int most)
        {
            List<CatalogFacetValue>[] facets = [.. FacetTable.Names.Select(_ => new List<CatalogFacetValue>())];
            for (int i = 0; i < table.Count; i++)
            {
                if (_counts[i] > 0)
                {
                    facets[table[i].Facet].Add(new CatalogFacetValue(table[i].Value, _counts[i]));
                }
            }

            Dictionary<string, IReadOnlyList<CatalogFacetValue>> named = new(StringComparer.Ordinal);
            for (int i = 0; i < facets.Length; i++)
            {
                if (facets[i].Count > 0)
                {
                    facets[i].Sort((a, b) => a.Count != b.Count ? b.Count.CompareTo(a.Count) : string.CompareOrdinal(a.Value, b.Value));
                    named.Add(FacetTable.Names[i], facets[i].Count <= most ? facets[i] : facets[i].GetRange(0, most));
                }
            }

            return named;
        }

        private void Count(int value, int mark)
        {
            if (_lastOwner[value] != mark)
            {
                _lastOwner[value] = mark;
                _counts[value]++;
            }
        }
    }
}

internal static class OneOnly
{
    /// <summary>The only item, or null when there are none or several.</summary>
    internal static string? SingleOrDefaultOfOne(this IEnumerable<string> items)
    {
        string? one = null;
        foreach (string item in items)
        {
            if (one is not null)
            {
                return null;
            }

            one = item;
        }

        return one;
    }
}
