namespace Mlops.Sdk.Registry;

/// <summary>What the catalog knows of one model. Read and changed under the lock of <see cref="CatalogState"/>.</summary>
internal sealed class ModelFacts(string name, int ordinal)
{
    internal string Name { get; } = name;

    /// <summary>Gets its place in the order in which the ledger first spoke of models.</summary>
    internal int Ordinal { get; } = ordinal;

    internal string? Description { get; set; }

    internal string? Owner { get; set; }

    internal List<KeyValuePair<string, string>> Tags { get; } = [];

    internal List<KeyValuePair<string, SectionFacts>> Sections { get; } = [];

    internal List<VersionFacts> Versions { get; } = [];

    internal List<KeyValuePair<string, int>> Aliases { get; } = [];

    /// <summary>Gets which version answers on which host now.</summary>
    internal List<KeyValuePair<string, int>> Hosts { get; } = [];

    /// <summary>Gets what people think of it and ask for.</summary>
    internal Feedback Feedback { get; } = new();

    /// <summary>Gets or sets the first entry about it that a newer library wrote; what is known here may be outdated from there on.</summary>
    internal long? NewerEntry { get; set; }

    internal int NewerFormat { get; set; }

    internal VersionFacts? Find(int number) => number >= 1 && number <= Versions.Count ? Versions[number - 1] : null;

    internal void ThrowIfNewer()
    {
        if (NewerEntry is { } entry)
        {
            throw new MlopsIntegrityException(
                "registry.newer_format",
                $"Entry {entry} of the ledger, about model '{Name}', has data of format {NewerFormat}; this version of the library reads up to {CatalogState.NewestFormat}. Update Mlops.Sdk in this process.");
        }
    }
}

/// <summary>What the catalog knows of one version.</summary>
internal sealed class VersionFacts(ModelFacts model, int number, int ordinal)
{
    internal ModelFacts Model { get; } = model;

    internal int Number { get; } = number;

    /// <summary>Gets its place in the order in which versions were registered, over all models.</summary>
    internal int Ordinal { get; } = ordinal;

    internal Digest Digest { get; set; }

    internal VersionStatus Status { get; set; }

    internal string? RunId { get; set; }

    internal int? Parent { get; set; }

    internal string By { get; set; } = string.Empty;

    internal string? OnBehalfOf { get; set; }

    /// <summary>Gets or sets when it was registered, in UTC ticks.</summary>
    internal long At { get; set; }

    internal string Reason { get; set; } = string.Empty;

    internal ModelTask? Task { get; set; }

    internal string? Format { get; set; }

    internal string? Algorithm { get; set; }

    internal IReadOnlyList<KeyValuePair<string, MetricValue>> Metrics { get; set; } = [];

    internal DatasetInfo? Dataset { get; set; }

    /// <summary>Gets or sets the stage it was moved to, or null while it has the one that registration gave it.</summary>
    internal string? Stage { get; set; }

    internal bool Deprecated { get; set; }

    internal int? Successor { get; set; }

    internal bool Deleted { get; set; }

    internal List<KeyValuePair<string, string>> Tags { get; } = [];

    internal List<KeyValuePair<string, SectionFacts>> Sections { get; } = [];

    /// <summary>Gets who approved it: each person once, neither the library nor the version's author.</summary>
    internal List<KeyValuePair<string, long>> Approvals { get; } = [];

    internal List<KeyValuePair<string, string>> OpenAlerts { get; } = [];

    internal bool Watched { get; set; }

    internal bool Signed { get; set; }

    /// <summary>Gets or sets the catalog's interned facet values, or null after a change.</summary>
    internal int[]? Facets { get; set; }

    internal string StageName => Stage ?? (Status == VersionStatus.Rejected ? "rejected" : "validated");

    internal CatalogDrift Drift => OpenAlerts.Count > 0 ? CatalogDrift.Alerted : Watched ? CatalogDrift.Calm : CatalogDrift.Unwatched;

    internal bool IsNamed
    {
        get
        {
            foreach (KeyValuePair<string, int> alias in Model.Aliases)
            {
                if (alias.Value == Number)
                {
                    return true;
                }
            }

            return false;
        }
    }

    internal bool IsLive
    {
        get
        {
            foreach (KeyValuePair<string, int> host in Model.Hosts)
            {
                if (host.Value == Number)
                {
                    return true;
                }
            }

            return false;
        }
    }

    internal MetricValue? Metric(string name) => Pairs.Find(Metrics, name, out MetricValue? metric) ? metric : null;
}

/// <summary>A section of a card that a person wrote.</summary>
internal sealed record SectionFacts(string Text, string By, long At, string Reason, long Entry);

/// <summary>Short lists sorted by ordinal key: a tenth of a dictionary's memory, and quick to walk.</summary>
internal static class Pairs
{
    internal static bool Find<T>(IReadOnlyList<KeyValuePair<string, T>> pairs, string key, out T? value)
    {
        int at = IndexOf(pairs, key);
        value = at >= 0 ? pairs[at].Value : default;
        return at >= 0;
    }

    internal static void Set<T>(List<KeyValuePair<string, T>> pairs, string key, T value)
    {
        int at = IndexOf(pairs, key);
        if (at >= 0)
        {
            pairs[at] = new KeyValuePair<string, T>(pairs[at].Key, value);
        }
        else
        {
            pairs.Insert(~at, new KeyValuePair<string, T>(key, value));
        }
    }

    internal static bool Remove<T>(List<KeyValuePair<string, T>> pairs, string key)
    {
        int at = IndexOf(pairs, key);
        if (at >= 0)
        {
            pairs.RemoveAt(at);
        }

        return at >= 0;
    }

    private static int IndexOf<T>(IReadOnlyList<KeyValuePair<string, T>> pairs, string key)
    {
        int low = 0;
        int high = pairs.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = string.CompareOrdinal(pairs[middle].Key, key);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}
