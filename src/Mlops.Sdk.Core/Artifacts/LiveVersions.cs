using System.Text.Json;

namespace Mlops.Sdk;

/// <summary>Which versions every registry shows as live, by the rules that all of them share. Small: a digest for each version, a number for each alias.</summary>
/// <remarks>
/// It says that a version was deleted only when every registry says so. The rules: a version counts when its number is the next one of its
/// model; a move of an alias when the version is there and not deleted; a tombstone when it names the version's digest and no alias names
/// the version. An entry of a newer format is not understood: nothing of its model is taken for deleted from then on. The registry's own
/// view (RegistryState) has the same rules; a property test holds the two equal.
/// </remarks>
internal sealed class LiveVersions
{
    private const int NewestFormat = 1;
    private readonly Dictionary<string, Model> _models = new(StringComparer.Ordinal);

    /// <summary>Takes an entry in.</summary>
    /// <param name="entry">The entry; all entries in order.</param>
    /// <param name="version">The version that it registered or deleted.</param>
    /// <returns>What it did, when it counts.</returns>
    internal LiveChange Apply(LedgerEntry entry, out (string Model, int Number) version)
    {
        version = default;
        if (entry.Outcome != LedgerOutcome.Done || !entry.Kind.StartsWith("model.", StringComparison.Ordinal) || ScopeOf(entry) is not { } scope)
        {
            return LiveChange.None;
        }

        Model model = ModelOf(scope);
        if (entry.Format > NewestFormat)
        {
            model.HasNewer = true;
            return LiveChange.None;
        }

        switch (entry.Kind)
        {
            case LedgerKinds.VersionRegistered when LedgerData.TryRead(entry.Data, out VersionNote? note) && IsOf(entry, note.Model)
                && note.Number == model.Versions.Count + 1 && note.Digest.HasValue && Enum.IsDefined(note.Status):
                model.Versions.Add((DigestKey.Of(note.Digest), false));
                version = (scope, note.Number);
                return LiveChange.Registered;
            case LedgerKinds.AliasMoved when LedgerData.TryRead(entry.Data, out AliasNote? note) && IsOf(entry, note.Model) && ModelNames.IsAlias(note.Alias)
                && (note.To == 0 ? model.Aliases.GetValueOrDefault(note.Alias) > 0 : model.IsLive(note.To)):
                model.Aliases[note.Alias] = note.To;
                return LiveChange.None;
            case LedgerKinds.VersionDeleted when LedgerData.TryRead(entry.Data, out TombstoneNote? note) && IsOf(entry, note.Model)
                && !model.HasNewer && note.Digest.HasValue && model.IsLive(note.Version)
                && model.Versions[note.Version - 1].Digest == DigestKey.Of(note.Digest) && !model.Aliases.ContainsValue(note.Version):
                model.Versions[note.Version - 1] = (default, true);
                version = (scope, note.Version);
                return LiveChange.Deleted;
            default:
                return LiveChange.None;
        }
    }

    private static bool IsOf(LedgerEntry entry, string model) => entry.Resource.Kind == "model" && entry.Resource.Name == model;

    private static string? ScopeOf(LedgerEntry entry)
    {
        string? name = entry.Resource.Kind == "model" ? entry.Resource.Name
            : entry.Data.ValueKind == JsonValueKind.Object && entry.Data.TryGetProperty("model", out JsonElement model) && model.ValueKind == JsonValueKind.String ? model.GetString()
            : null;
        return ModelNames.IsName(name) ? name : null;
    }

    private Model ModelOf(string name)
    {
        if (!_models.TryGetValue(name, out Model? model))
        {
            _models.Add(name, model = new Model());
        }

        return model;
    }

    private sealed class Model
    {
        internal List<(DigestKey Digest, bool Deleted)> Versions { get; } = [];

        /// <summary>Gets the version that each alias names; 0 for one that was taken away.</summary>
        internal Dictionary<string, int> Aliases { get; } = new(StringComparer.Ordinal);

        internal bool HasNewer { get; set; }

        internal bool IsLive(int number) => number >= 1 && number <= Versions.Count && !Versions[number - 1].Deleted;
    }
}

/// <summary>What an entry did to the versions that are live.</summary>
internal enum LiveChange
{
    None,
    Registered,
    Deleted,
}
