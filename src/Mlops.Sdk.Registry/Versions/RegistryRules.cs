using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Mlops.Sdk.Registry;

/// <summary>What names, manifests and runs must look like. Everything is checked before anything is stored.</summary>
internal static class RegistryRules
{
    internal const int MaxManifestBytes = 16 * 1024 * 1024;
    private const int MaxNameLength = ModelNames.MaxName;
    private const int MaxAliasLength = ModelNames.MaxAlias;
    private const int MaxFiles = 1_000;
    private const int MaxMetrics = 1_000;
    private const int MaxParameters = 10_000;
    private const int MaxColumns = 10_000;
    private const int MaxCategories = 1_000_000;
    private const int MaxNotes = 1_000;
    private const int MaxText = 4_000;
    private const int MaxOwner = 256;
    private const int MaxTagKey = 128;
    private const int MaxTagValue = 1_000;
    private const int MaxDatasets = 1_000;
    internal const int MaxTags = 100;

    private static readonly SearchValues<char> FileCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");

    private static readonly SearchValues<char> TagCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:");

    internal static bool IsName([NotNullWhen(true)] string? name) => ModelNames.IsName(name);

    internal static void CheckModelName(string model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!IsName(model))
        {
            throw new MlopsDataException("registry.invalid_name", $"A model's name is 1 to {MaxNameLength} letters, digits, '-', '_' or '.' and starts with a letter or digit; found {Show(model)}.");
        }
    }

    internal static void CheckAlias(string alias)
    {
        ArgumentNullException.ThrowIfNull(alias);
        if (!IsAlias(alias))
        {
            throw new MlopsDataException("registry.invalid_alias", $"An alias is 1 to {MaxAliasLength} of 'a-z', '0-9', '-' and '_'; found {Show(alias)}.");
        }
    }

    internal static bool IsAlias([NotNullWhen(true)] string? alias) => ModelNames.IsAlias(alias);

    /// <summary>A stage is named as an alias is.</summary>
    internal static bool IsStage(string? stage) => IsAlias(stage);

    internal static bool IsTagKey(string? key) => key is { Length: >= 1 and <= MaxTagKey } && char.IsAsciiLetterOrDigit(key[0]) && !key.AsSpan().ContainsAnyExcept(TagCharacters);

    internal static bool IsTagValue(string? value) => value is { Length: <= MaxTagValue } && !value.Any(char.IsControl) && IsWellFormed(value);

    internal static bool IsDescription(string? description) => description is null || (description.Length <= MaxText && IsWellFormed(description));

    internal static bool IsOwner(string? owner) => owner is null || (owner.Length <= MaxOwner && !owner.Any(char.IsControl) && IsWellFormed(owner));

    internal static void CheckTagKey(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Require(IsTagKey(key), "registry.invalid_tag", $"A tag's key is 1 to {MaxTagKey} letters, digits, '-', '_', '.', '/' or ':' and starts with a letter or digit; found {Show(key)}.");
    }

    internal static void CheckTagValue(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Require(IsTagValue(value), "registry.invalid_tag", $"A tag's value is at most {MaxTagValue} characters without control characters; found {Show(value)}.");
    }

    internal static void CheckDescription(string? description, string? owner)
    {
        Require(IsDescription(description), "registry.invalid_description", $"A model's description is at most {MaxText} characters of well-formed text; found {Show(description)}.");
        Require(IsOwner(owner), "registry.invalid_description", $"A model's owner is at most {MaxOwner} characters without control characters; found {Show(owner)}.");
    }

    internal static void CheckStage(string stage)
    {
        ArgumentNullException.ThrowIfNull(stage);
        Require(IsStage(stage), "registry.invalid_stage", $"A stage's name is 1 to {MaxAliasLength} of 'a-z', '0-9', '-' and '_'; found {Show(stage)}.");
    }

    internal static void CheckHost(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        Require(host is { Length: >= 1 and <= MaxText } && IsWellFormed(host), "registry.invalid_name", $"A host's name is 1 to {MaxText} characters; found {Show(host)}.");
    }

    /// <summary>Whether a text survives being written: half a surrogate pair would come back as another character.</summary>
    private static bool IsWellFormed(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && (!char.IsHighSurrogate(text[i]) || ++i == text.Length || !char.IsLowSurrogate(text[i])))
            {
                return false;
            }
        }

        return true;
    }

    internal static void CheckReason(string reason)
    {
        if (string.IsNullOrWhiteSpace(reason))
        {
            throw new MlopsException("ledger.reason_required", "Every change says why, for whoever reads the history: give a reason that is not blank.");
        }
    }

    /// <summary>Checks a reason that people read as text of its own: it must come back as it was given.</summary>
    internal static void CheckComment(string comment)
    {
        CheckReason(comment);
        if (comment.Length > MaxText || !IsWellFormed(comment))
        {
            throw new MlopsException("ledger.invalid_entry", $"The reason must be at most {MaxText} characters of well-formed text; found {Show(comment)}. Nothing was written.");
        }
    }

    internal static void CheckRun(RunStart start)
    {
        ArgumentNullException.ThrowIfNull(start);
        CheckRunId(start.RunId);
        if (!IsName(start.Experiment))
        {
            throw new MlopsDataException("registry.invalid_name", $"An experiment's name is 1 to {MaxNameLength} letters, digits, '-', '_' or '.' and starts with a letter or digit; found {Show(start.Experiment)}.");
        }

        CheckReason(start.Reason);
        Require(!string.IsNullOrWhiteSpace(start.Trigger) && start.Trigger.Length <= MaxText, "registry.invalid_run", $"A run's trigger is 1 to {MaxText} characters, such as 'manual'; found {Show(start.Trigger)}.");
        Require(start.Hypothesis is null or { Length: <= MaxText }, "registry.invalid_run", $"A run's hypothesis is at most {MaxText} characters.");
        CheckTexts(start.Parameters, "registry.invalid_run", "A run's parameters");
    }

    internal static void CheckRunId(string runId)
    {
        ArgumentNullException.ThrowIfNull(runId);
        if (!IsName(runId))
        {
            throw new MlopsDataException("registry.invalid_name", $"A run's id is 1 to {MaxNameLength} letters, digits, '-', '_' or '.' and starts with a letter or digit; found {Show(runId)}.");
        }
    }

    internal static void CheckRunEnd(RunEnd end)
    {
        ArgumentNullException.ThrowIfNull(end);
        CheckRunId(end.RunId);
        Require(
            end.Status is RunStatus.Completed or RunStatus.Rejected or RunStatus.Failed or RunStatus.Cancelled,
            "registry.invalid_run",
            $"A run without a version ends as Completed, Rejected, Failed or Cancelled, not as {end.Status}. Registering a version ends its run by itself.");
        CheckReason(end.Message);
        Require(end.Steps is { Count: <= MaxColumns }, "registry.invalid_run", $"A run has at most {MaxColumns} steps.");
        foreach (StepRecord step in end.Steps)
        {
            Require(
                step is { Name.Length: <= MaxText, Outcome.Length: <= MaxText, Milliseconds: >= 0 } && double.IsFinite(step.Milliseconds),
                "registry.invalid_run",
                "A step has a name, an outcome and a finite duration of at least 0 ms.");
        }
    }

    internal static void CheckManifest(ModelManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        CheckModelName(manifest.Model);
        Manifest(manifest.Format == ModelManifest.CurrentFormat, $"Format is {ModelManifest.CurrentFormat}, found {manifest.Format}");
        Manifest(IsName(manifest.ModelFormat), $"ModelFormat is a name such as 'mlnet', found {Show(manifest.ModelFormat)}");
        Manifest(manifest.Algorithm is { Length: >= 1 and <= MaxText }, $"Algorithm is 1 to {MaxText} characters, found {Show(manifest.Algorithm)}");
        if (manifest.RunId is not null)
        {
            CheckRunId(manifest.RunId);
        }

        Manifest(manifest.Parent is null or > 0, $"Parent is a version number from 1 or null, found {manifest.Parent}");
        CheckFiles(manifest.Files);
        CheckSchema(manifest.Schema);
        CheckTexts(manifest.Parameters, "registry.invalid_manifest", "A manifest's Parameters");
        CheckMetrics(manifest.Metrics);
        CheckDataset(manifest.Dataset);
        Manifest(
            manifest.Datasets is { Count: <= MaxDatasets } && manifest.Datasets.All(d => d is { Name.Length: >= 1 and <= 512, Source: null or { Length: <= MaxText } } && d.Digest.HasValue && IsAlias(d.Role)),
            $"Datasets has at most {MaxDatasets} entries with a name of 1 to 512 characters, a digest and a role of 'a-z', '0-9', '-' and '_'");
        if (manifest.Environment is { } environment)
        {
            CheckTexts(environment.Packages, "registry.invalid_manifest", "A manifest's Environment.Packages");
            Manifest(environment.CpuFeatures is { Count: <= MaxNotes }, $"Environment.CpuFeatures has at most {MaxNotes} entries");
        }

        CheckGates(manifest.Gates, "Gates");
        if (manifest.Goal is { } goal)
        {
            Manifest(goal.Statement is { Length: <= MaxText }, $"Goal.Statement is at most {MaxText} characters");
            CheckGates(goal.Criteria, "Goal.Criteria");
        }

        Manifest(manifest.Notes is { Count: <= MaxNotes } && manifest.Notes.All(n => n is { Length: <= MaxText }), $"Notes are at most {MaxNotes} texts of {MaxText} characters");
    }

    private static void CheckFiles(IReadOnlyList<ModelFile> files)
    {
        Manifest(files is { Count: >= 1 and <= MaxFiles }, $"Files has 1 to {MaxFiles} entries, found {files?.Count ?? 0}");
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (ModelFile file in files!)
        {
            Manifest(
                file?.Name is { Length: >= 1 and <= MaxNameLength } name && !name.AsSpan().ContainsAnyExcept(FileCharacters) && name.AsSpan().ContainsAnyExcept('.'),
                $"a file's name is 1 to {MaxNameLength} of 'a-z', '0-9', '.', '_' and '-', found {Show(file?.Name)}");
            Manifest(names.Add(file!.Name), $"file names differ, found '{file.Name}' twice");
            Manifest(file.Digest.HasValue && file.Length >= 0, $"file '{file.Name}' has a digest and a length of at least 0");
        }
    }

    private static void CheckSchema(ModelSchema schema)
    {
        Manifest(schema is not null && Enum.IsDefined(schema.Task), "Schema names a known task");
        Manifest(schema!.Inputs is { Count: >= 1 and <= MaxColumns }, $"Schema.Inputs has 1 to {MaxColumns} entries, found {schema.Inputs?.Count ?? 0}");
        Manifest(schema.Outputs is { Count: >= 1 and <= MaxColumns }, $"Schema.Outputs has 1 to {MaxColumns} entries, found {schema.Outputs?.Count ?? 0}");
        Manifest(schema.Label is { Length: <= MaxText }, "Schema.Label is a column's name");
        HashSet<string> inputs = new(StringComparer.Ordinal);
        foreach (ModelInput input in schema.Inputs!)
        {
            Manifest(input?.Name is { Length: >= 1 and <= MaxText } && input.Source is { Length: <= MaxText }, "every input has a name and a source column");
            Manifest(inputs.Add(input!.Name), $"input names differ, found {Show(input.Name)} twice");
            Manifest(Enum.IsDefined(input.Kind) && Enum.IsDefined(input.Part), $"input {Show(input.Name)} has a known kind and part");
            Manifest(input.MissingShare is >= 0 and <= 1, $"input {Show(input.Name)} has a missing share in [0, 1]");
            Manifest(float.IsFinite(input.Minimum ?? 0) && float.IsFinite(input.Maximum ?? 0), $"input {Show(input.Name)} has a finite minimum and maximum, or none");
            Manifest(input.Categories is null or { Count: <= MaxCategories }, $"input {Show(input.Name)} has at most {MaxCategories} categories");
            Manifest(input.Categories?.All(c => c is { Length: <= MaxText }) ?? true, $"the categories of input {Show(input.Name)} are texts of at most {MaxText} characters");
        }

        HashSet<string> outputs = new(StringComparer.Ordinal);
        Manifest(schema.Outputs!.All(o => o is { Length: >= 1 and <= MaxText } && outputs.Add(o)), "every output has a name, and the names differ");
    }

    private static void CheckMetrics(IReadOnlyDictionary<string, MetricValue> metrics)
    {
        Manifest(metrics is { Count: <= MaxMetrics }, $"Metrics has at most {MaxMetrics} entries");
        foreach ((string name, MetricValue metric) in metrics!)
        {
            Manifest(name.Length is >= 1 and <= MaxNameLength, $"a metric's name is 1 to {MaxNameLength} characters");
            Manifest(
                metric is not null && double.IsFinite(metric.Value) && double.IsFinite(metric.Lower ?? 0) && double.IsFinite(metric.Upper ?? 0),
                $"metric {Show(name)} is finite; leave an undefined metric out");
        }
    }

    private static void CheckDataset(DatasetInfo? dataset)
    {
        Manifest(
            dataset is null || (dataset is { Source.Length: <= MaxText, Rows: >= 0, Rejected: >= 0, TrainingRows: >= 0, TestRows: >= 0 } && dataset.Fingerprint.HasValue),
            "Dataset has a source, a fingerprint and counts of at least 0");
        Manifest(dataset?.From is null or { Length: <= MaxNameLength } && dataset?.To is null or { Length: <= MaxNameLength }, "Dataset.From and Dataset.To are times in ISO 8601");
    }

    private static void CheckGates(IReadOnlyList<GateResult> gates, string where)
    {
        Manifest(gates is { Count: <= MaxNotes }, $"{where} has at most {MaxNotes} entries");
        foreach (GateResult gate in gates!)
        {
            Manifest(gate is { Name.Length: <= MaxText, Message.Length: <= MaxText, Numbers.Count: <= MaxMetrics }, $"{where} have a name, a message and at most {MaxMetrics} numbers");
            Manifest(gate!.Numbers.Values.All(double.IsFinite), $"the numbers of {where} are finite; leave an undefined one out");
        }
    }

    private static void CheckTexts(IReadOnlyDictionary<string, string> texts, string code, string what) => Require(
        texts is { Count: <= MaxParameters } && texts.All(p => p.Key.Length is >= 1 and <= MaxText && p.Value is { Length: <= MaxText }),
        code,
        $"{what} are at most {MaxParameters} pairs of texts of at most {MaxText} characters.");

    private static void Manifest(bool holds, string rule) => Require(holds, "registry.invalid_manifest", $"The manifest breaks a rule: {rule}.");

    private static void Require(bool holds, string code, string message)
    {
        if (!holds)
        {
            throw new MlopsDataException(code, message);
        }
    }

    /// <summary>Cuts a text to what a reason may be, never within a character.</summary>
    internal static string ToReason(string text) =>
        text.Length <= MaxText ? text : text[..(char.IsHighSurrogate(text[MaxText - 1]) ? MaxText - 1 : MaxText)];

    /// <summary>Shows a text from outside in a message: short, and without control characters.</summary>
    internal static string Show(string? text)
    {
        if (text is null)
        {
            return "none";
        }

        string shown = string.Create(Math.Min(text.Length, 40), text, static (span, t) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = t[i] is >= ' ' and <= '~' ? t[i] : '?';
            }
        });
        return text.Length > 40 ? $"'{shown}...' ({text.Length} characters)" : $"'{shown}'";
    }
}
