using System.Globalization;

namespace Mlops.Sdk.Registry;

/// <summary>Tells how two manifests differ.</summary>
internal static class ManifestComparison
{
    private const string ImportanceMetric = "importance.";

    internal static async ValueTask<VersionComparison> CompareAsync(ModelVersion one, ModelManifest from, ModelVersion two, ModelManifest to, IArtifactStore artifacts, CancellationToken cancellationToken)
    {
        (IReadOnlyDictionary<string, double>? before, string? problem) = await ImportanceAsync(one, from, artifacts, cancellationToken).ConfigureAwait(false);
        (IReadOnlyDictionary<string, double>? after, string? another) = await ImportanceAsync(two, to, artifacts, cancellationToken).ConfigureAwait(false);
        return new VersionComparison(one.Model, one.Number, two.Number)
        {
            Schema = SchemaComparison.Compare(from.Schema, to.Schema),
            Metrics = Metrics(from.Metrics, to.Metrics),
            Data = Data(from, to),
            Parameters = Differences(
                from.Parameters.Select(p => (p.Key, (string?)p.Value)).Prepend(("algorithm", from.Algorithm)).Prepend(("model format", from.ModelFormat)),
                to.Parameters.Select(p => (p.Key, (string?)p.Value)).Prepend(("algorithm", to.Algorithm)).Prepend(("model format", to.ModelFormat))),
            Environment = Differences(Environment(from.Environment), Environment(to.Environment)),
            Gates = Differences(Gates(from), Gates(to)),
            Files = Differences(from.Files.Select(f => (f.Name, (string?)File(f))), to.Files.Select(f => (f.Name, (string?)File(f)))),
            Importance = before is null || after is null ? [] : Importance(before, after),
            ImportanceMissing = problem ?? another,
        };
    }

    private static List<MetricChange> Metrics(IReadOnlyDictionary<string, MetricValue> from, IReadOnlyDictionary<string, MetricValue> to)
    {
        List<MetricChange> all = [];
        foreach (string name in from.Keys.Union(to.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            MetricValue? before = from.GetValueOrDefault(name);
            MetricValue? after = to.GetValueOrDefault(name);
            bool? overlap = before is { Lower: { } low, Upper: { } high } && after is { Lower: { } nextLow, Upper: { } nextHigh } ? low <= nextHigh && nextLow <= high : null;
            double? delta = after?.Value - before?.Value;
            all.Add(new MetricChange(name, before, after, delta is { } d && double.IsFinite(d) ? d : null, overlap));
        }

        return all;
    }

    private static List<ValueChange> Data(ModelManifest from, ModelManifest to) => Differences(Dataset(from), Dataset(to));

    private static IEnumerable<(string, string?)> Dataset(ModelManifest manifest)
    {
        if (manifest.Dataset is { } data)
        {
            yield return ("source", data.Source);
            yield return ("fingerprint", data.Fingerprint.ToString());
            yield return ("rows", Text(data.Rows));
            yield return ("rejected rows", Text(data.Rejected));
            yield return ("training rows", Text(data.TrainingRows));
            yield return ("test rows", Text(data.TestRows));
            yield return ("from", data.From);
            yield return ("to", data.To);
        }

        foreach (IGrouping<(string Role, string Name), DatasetReference> group in manifest.Datasets.GroupBy(d => (d.Role, d.Name)))
        {
            yield return ($"{group.Key.Role}: {group.Key.Name}", string.Join(", ", group.Select(d => d.Digest.ToString()).Order(StringComparer.Ordinal)));
        }

        if (manifest.RunId is not null)
        {
            yield return ("run", manifest.RunId);
        }
    }

    private static IEnumerable<(string, string?)> Environment(EnvironmentInfo? environment)
    {
        if (environment is null)
        {
            yield break;
        }

        yield return ("git commit", environment.GitCommit);
        yield return ("runtime", environment.Runtime);
        yield return ("operating system", environment.OperatingSystem);
        yield return ("architecture", environment.Architecture);
        yield return ("processors", Text(environment.Processors));
        yield return ("CPU features", string.Join(' ', environment.CpuFeatures));
        yield return ("seed", Text(environment.Seed));
        foreach ((string package, string version) in environment.Packages)
        {
            yield return ($"package {package}", version);
        }
    }

    private static IEnumerable<(string, string?)> Gates(ModelManifest manifest) =>
        manifest.Gates.Select(g => (g.Name, (string?)$"{(g.Passed ? "passed" : "failed")}: {g.Message}"))
            .Concat((manifest.Goal?.Criteria ?? []).Select(g => ($"goal {g.Name}", (string?)$"{(g.Passed ? "met" : "missed")}: {g.Message}")));

    private static string File(ModelFile file) => $"{file.Digest}, {Text(file.Length)} bytes";

    /// <summary>What differs, by name; several values of one name are compared together.</summary>
    private static List<ValueChange> Differences(IEnumerable<(string Name, string? Value)> from, IEnumerable<(string Name, string? Value)> to)
    {
        Dictionary<string, string?> before = Joined(from);
        Dictionary<string, string?> after = Joined(to);
        return [.. before.Keys.Concat(after.Keys.Where(k => !before.ContainsKey(k)))
            .Select(name => new ValueChange(name, before.GetValueOrDefault(name), after.GetValueOrDefault(name)))
            .Where(c => c.From != c.To)];
    }

    private static Dictionary<string, string?> Joined(IEnumerable<(string Name, string? Value)> values) => values
        .Where(v => v.Value is not null)
        .GroupBy(v => v.Name, StringComparer.Ordinal)
        .ToDictionary(g => g.Key, g => (string?)string.Join("; ", g.Select(v => v.Value)), StringComparer.Ordinal);

    private static List<ImportanceChange> Importance(IReadOnlyDictionary<string, double> from, IReadOnlyDictionary<string, double> to)
    {
        Dictionary<string, int> before = Ranks(from);
        Dictionary<string, int> after = Ranks(to);
        return [.. from.Keys.Union(to.Keys, StringComparer.Ordinal)
            .Select(input => new ImportanceChange(
                input,
                from.TryGetValue(input, out double was) ? was : null,
                to.TryGetValue(input, out double now) ? now : null,
                before.TryGetValue(input, out int wasRank) ? wasRank : null,
                after.TryGetValue(input, out int nowRank) ? nowRank : null))
            .OrderByDescending(c => Math.Abs((c.To ?? 0) - (c.From ?? 0)))
            .ThenBy(c => c.Input, StringComparer.Ordinal)];
    }

    private static Dictionary<string, int> Ranks(IReadOnlyDictionary<string, double> importance) => importance
        .OrderByDescending(i => Math.Abs(i.Value))
        .ThenBy(i => i.Key, StringComparer.Ordinal)
        .Select((input, index) => (input.Key, Rank: index + 1))
        .ToDictionary(x => x.Key, x => x.Rank, StringComparer.Ordinal);

    /// <summary>How much each input matters, from the version's file or its metrics; null and why not otherwise.</summary>
    private static async ValueTask<(IReadOnlyDictionary<string, double>? Importance, string? Problem)> ImportanceAsync(ModelVersion version, ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken)
    {
        if (manifest.Files.FirstOrDefault(f => f.Name == ModelFileNames.Importance) is { } file)
        {
            byte[] bytes;
            try
            {
                bytes = await artifacts.ReadAsync(file.Digest, ImportanceFile.MaxBytes, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is MlopsIntegrityException or MlopsNotFoundException)
            {
                return (null, $"The file '{file.Name}' of {version} cannot be read: {e.Message}");
            }

            return ImportanceFile.Read(bytes) is { } read ? (read, null) : (null, $"The file '{file.Name}' of {version} is not of the form that is read here: format 1 and one finite number per input.");
        }

        Dictionary<string, double> metrics = manifest.Metrics
            .Where(m => m.Key.StartsWith(ImportanceMetric, StringComparison.Ordinal))
            .ToDictionary(m => m.Key[ImportanceMetric.Length..], m => m.Value.Value, StringComparer.Ordinal);
        return metrics.Count > 0 ? (metrics, null) : (null, $"{version} does not say how much its inputs matter: it has neither a file '{ModelFileNames.Importance}' nor metrics named '{ImportanceMetric}INPUT'.");
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
