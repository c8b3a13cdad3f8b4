namespace Mlops.Sdk.Registry;

/// <summary>What is known of one model.</summary>
internal sealed class ModelState(string name)
{
    internal string Name { get; } = name;

    internal string? Description { get; set; }

    internal string? Owner { get; set; }

    internal IReadOnlyDictionary<string, string> Tags { get; set; } = RegistryState.NoTags;

    /// <summary>Gets or sets whether somebody described or tagged it, so that it is there without a version.</summary>
    internal bool Described { get; set; }

    internal List<ModelVersion> Versions { get; } = [];

    internal SortedDictionary<string, AliasTrack> Aliases { get; } = new(StringComparer.Ordinal);

    /// <summary>Gets the numbers of the entries about it, in order.</summary>
    internal List<long> History { get; } = [];

    internal List<DeploymentInterval> Deployments { get; } = [];

    /// <summary>Gets the place in <see cref="Deployments"/> of the one that each host has not ended.</summary>
    internal Dictionary<string, int> Open { get; } = new(StringComparer.Ordinal);

    internal NewerEntry? Newer { get; set; }

    internal bool IsThere => Versions.Count > 0 || Described;

    internal ModelVersion? Find(int number) => number >= 1 && number <= Versions.Count ? Versions[number - 1] : null;

    /// <summary>The version that an alias names now, or 0.</summary>
    internal int Named(string alias) => Aliases.TryGetValue(alias, out AliasTrack? track) ? track.Last!.To : 0;

    internal AliasMove? Last(string alias) => Aliases.GetValueOrDefault(alias)?.Last;

    /// <summary>The version of the last move, in the ledger's order, whose time is not after the instant; 0 for none.</summary>
    internal int NamedAt(string alias, DateTimeOffset instant)
    {
        List<AliasStep> steps = Aliases.GetValueOrDefault(alias)?.Steps ?? [];
        int last = steps.FindLastIndex(s => s.At <= instant);
        return last < 0 ? 0 : steps[last].To;
    }

    /// <summary>An alias that names a version, or null.</summary>
    internal string? NamedBy(int number)
    {
        foreach ((string alias, AliasTrack track) in Aliases)
        {
            if (track.Last!.To == number)
            {
                return alias;
            }
        }

        return null;
    }

    /// <summary>A host that serves a version, or null; the first by name, so that every process says the same.</summary>
    internal string? ServedBy(int number) => Open.Where(o => Deployments[o.Value].Version == number).Select(o => o.Key).Order(StringComparer.Ordinal).FirstOrDefault();

    internal bool IsServed(int number)
    {
        foreach (int open in Open.Values)
        {
            if (Deployments[open].Version == number)
            {
                return true;
            }
        }

        return false;
    }

    internal ModelSummary Summary() => new(
        Name,
        Versions.Count,
        Versions.Count,
        new SortedDictionary<string, int>(Aliases.Where(a => a.Value.Last!.To > 0).ToDictionary(a => a.Key, a => a.Value.Last!.To, StringComparer.Ordinal), StringComparer.Ordinal))
    {
        Description = Description,
        Owner = Owner,
        Tags = Tags,
    };
}

/// <summary>Where an alias has been: the last move whole, the earlier ones by number of their entry.</summary>
internal sealed class AliasTrack
{
    internal List<AliasStep> Steps { get; } = [];

    internal AliasMove? Last { get; set; }
}

internal readonly record struct AliasStep(long Entry, int To, DateTimeOffset At);

internal sealed class RunState(string id)
{
    internal string Id { get; } = id;

    internal RunRecord? Record { get; set; }

    internal long StartEntry { get; set; }

    internal NewerEntry? Newer { get; set; }
}

/// <summary>An entry that a newer version of the library wrote: what it says about its subject is not known here, so nothing is answered about it.</summary>
internal sealed record NewerEntry(long Number, string Kind, int Format)
{
    internal void Throw() => throw new MlopsIntegrityException(
        "registry.newer_format",
        $"Entry {Number} of the ledger ('{Kind}') has data of format {Format}; this version of the library reads up to {RegistryState.NewestFormat}. Update Mlops.Sdk in this process.");
}
