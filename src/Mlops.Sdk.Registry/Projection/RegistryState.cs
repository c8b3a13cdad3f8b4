using System.Collections.ObjectModel;

namespace Mlops.Sdk.Registry;

/// <summary>What the ledger says about models and runs. Folded entry by entry under one lock; readers get copies or immutable records.</summary>
/// <remarks>
/// Entries that break the registry's own rules (a number that is not the next one, an alias of a version that does not exist) change
/// nothing, in every process alike: they were written around the registry. They stay visible in the history. Options of a process play no
/// part here, so that all processes and every saved state agree.
/// <para>The collection of artifacts goes by the same rules (LiveVersions in Core): change both.</para>
/// <para>Entries themselves are not kept, only what they say and their numbers: the history is read from the ledger again.</para>
/// </remarks>
internal sealed partial class RegistryState : ISnapshotProjection
{
    internal const int NewestFormat = 1;
    internal static readonly IReadOnlyDictionary<string, string> NoTags = ReadOnlyDictionary<string, string>.Empty;
    private readonly Lock _gate = new();
    private SortedDictionary<string, ModelState> _models = new(StringComparer.Ordinal);
    private Dictionary<string, RunState> _runs = new(StringComparer.Ordinal);
    private List<RunState> _runsInOrder = []; // as first heard of: the order that they are saved in
    private Dictionary<string, List<RunState>> _experiments = new(StringComparer.Ordinal);

    public void Apply(LedgerEntry entry)
    {
        lock (_gate)
        {
            Note(entry);
            if (entry.Outcome != LedgerOutcome.Done)
            {
                return;
            }

            switch (entry.Kind)
            {
                case LedgerKinds.RunStarted when Readable(entry, RunScope(entry)) && LedgerData.TryRead(entry.Data, out RunStart? start):
                    Start(entry, start);
                    break;
                case LedgerKinds.RunEnded when Readable(entry, RunScope(entry)) && LedgerData.TryRead(entry.Data, out RunEnd? end):
                    End(entry, end);
                    break;
                case LedgerKinds.VersionRegistered when Readable(entry, ModelScope(entry)) && LedgerData.TryRead(entry.Data, out VersionNote? version):
                    Add(entry, version);
                    break;
                case LedgerKinds.AliasMoved when Readable(entry, ModelScope(entry)) && LedgerData.TryRead(entry.Data, out AliasNote? move):
                    Move(entry, move);
                    break;
                case LedgerKinds.ModelDescribed when Readable(entry, ModelScope(entry)) && LedgerData.TryRead(entry.Data, out DescriptionNote? description):
                    Describe(entry, description);
                    break;
                case LedgerKinds.TagSet when Readable(entry, ModelScope(entry)) && LedgerData.TryRead(entry.Data, out TagNote? tag):
                    Tag(entry, tag);
                    break;
                case LedgerKinds.StageMoved when Readable(entry, ModelScope(entry)) && LedgerData.TryRead(entry.Data, out StageNote? stage):
                    MoveStage(entry, stage);
                    break;
                case LedgerKinds.VersionDeprecated when Readable(entry, ModelScope(entry)) && LedgerData.TryRead(entry.Data, out DeprecationNote? deprecation):
                    Deprecate(entry, deprecation);
                    break;
                case LedgerKinds.VersionDeleted when Readable(entry, ModelScope(entry)) && LedgerData.TryRead(entry.Data, out TombstoneNote? tombstone):
                    Delete(entry, tombstone);
                    break;
                case LedgerKinds.DeploymentStarted when Readable(entry, ModelScope(entry)) && LedgerData.TryRead(entry.Data, out DeploymentNote? note):
                    Deploy(entry, note, starts: true);
                    break;
                case LedgerKinds.DeploymentEnded when Readable(entry, ModelScope(entry)) && LedgerData.TryRead(entry.Data, out DeploymentNote? note):
                    Deploy(entry, note, starts: false);
                    break;
                default:
                    break; // other packages' kinds
            }
        }
    }

    internal T Read<T>(string model, Func<ModelState?, T> read)
    {
        lock (_gate)
        {
            ModelState? state = _models.GetValueOrDefault(model);
            state?.Newer?.Throw();
            return read(state);
        }
    }

    internal IReadOnlyList<ModelSummary> Models()
    {
        lock (_gate)
        {
            List<ModelSummary> all = [];
            foreach (ModelState model in _models.Values)
            {
                model.Newer?.Throw();
                if (model.IsThere)
                {
                    all.Add(model.Summary());
                }
            }

            return all;
        }
    }

    internal RunRecord? Run(string runId)
    {
        lock (_gate)
        {
            RunState? run = _runs.GetValueOrDefault(runId);
            run?.Newer?.Throw();
            return run?.Record;
        }
    }

    internal IReadOnlyList<RunRecord> Runs(string experiment)
    {
        lock (_gate)
        {
            if (!_experiments.TryGetValue(experiment, out List<RunState>? runs))
            {
                return [];
            }

            List<RunRecord> records = new(runs.Count);
            foreach (RunState run in runs)
            {
                run.Newer?.Throw();
                records.Add(run.Record!);
            }

            return records;
        }
    }

    /// <summary>Keeps an entry's number in the history of the model it is about.</summary>
    private void Note(LedgerEntry entry)
    {
        string? model = ModelScope(entry);
        if (model is not null)
        {
            Model(model).History.Add(entry.Number);
        }
    }

    private bool Readable(LedgerEntry entry, string? scope)
    {
        if (scope is null)
        {
            return false;
        }

        if (entry.Format <= NewestFormat)
        {
            return true;
        }

        NewerEntry newer = new(entry.Number, entry.Kind, entry.Format);
        if (entry.Kind is LedgerKinds.RunStarted or LedgerKinds.RunEnded)
        {
            RunOf(scope).Newer ??= newer;
        }
        else
        {
            Model(scope).Newer ??= newer;
        }

        return false;
    }

    private void Start(LedgerEntry entry, RunStart start)
    {
        if (start.RunId != entry.Resource.Name || _runs.GetValueOrDefault(start.RunId)?.Record is not null)
        {
            return;
        }

        RunState run = RunOf(start.RunId);
        run.StartEntry = entry.Number;
        run.Record = new RunRecord(start.RunId, start.Experiment, RunStatus.Running, start.Trigger, entry.Reason, entry.Actor, At(entry), null, null, null);
        List(run);
    }

    private void End(LedgerEntry entry, RunEnd end)
    {
        if (end.RunId == entry.Resource.Name && _runs.GetValueOrDefault(end.RunId) is { Record: { Status: RunStatus.Running } record } run
            && end.Status is RunStatus.Completed or RunStatus.Rejected or RunStatus.Failed or RunStatus.Cancelled)
        {
            run.Record = record with { Status = end.Status, Ended = At(entry), Message = end.Message };
        }
    }

    private void Add(LedgerEntry entry, VersionNote note)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (entry.Resource.Kind != "model" || note.Model != entry.Resource.Name || note.Number != model.Versions.Count + 1 || !note.Digest.HasValue || !Enum.IsDefined(note.Status))
        {
            return; // the approval rules of Mlops.Sdk.Governance take in versions by the same conditions
        }

        Dictionary<string, MetricValue> metrics = new(StringComparer.Ordinal);
        foreach ((string name, MetricValue metric) in note.Metrics.OrderBy(m => m.Key, StringComparer.Ordinal))
        {
            if (metric is not null)
            {
                metrics.Add(name, metric);
            }
        }

        model.Versions.Add(new ModelVersion(note.Model, note.Number, note.Digest, note.Status, note.RunId, entry.Reason, entry.Actor, At(entry))
        {
            Parent = note.Parent,
            Metrics = metrics,
            Stage = RegistryRules.IsStage(note.Stage) ? note.Stage! : note.Status == VersionStatus.Rejected ? VersionStages.Rejected : VersionStages.Validated,
        });
        if (note.RunId is not null && _runs.GetValueOrDefault(note.RunId) is { Record: { Version: null } record } run)
        {
            // A version outweighs an end that another process wrote at the same moment: the version is there.
            run.Record = record with
            {
                Status = note.Status == VersionStatus.Rejected ? RunStatus.Rejected : RunStatus.Registered,
                Ended = At(entry),
                Version = note.Number,
                Message = entry.Reason,
            };
            int place = model.History.BinarySearch(run.StartEntry);
            if (place < 0)
            {
                model.History.Insert(~place, run.StartEntry);
            }
        }
    }

    private void Move(LedgerEntry entry, AliasNote note)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (!Own(entry, note.Model) || !RegistryRules.IsAlias(note.Alias))
        {
            return;
        }

        AliasTrack? track = model.Aliases.GetValueOrDefault(note.Alias);
        bool names = note.To == 0 ? track is { Last.To: > 0 } : model.Find(note.To) is { Deleted: false };
        if (!names)
        {
            return;
        }

        if (track is null)
        {
            model.Aliases.Add(note.Alias, track = new AliasTrack());
        }

        int? from = track.Steps.Count > 0 && track.Last!.To > 0 ? track.Last.To : null;
        track.Last = new AliasMove(model.Name, note.Alias, from, note.To, entry.Reason, entry.Actor, At(entry));
        track.Steps.Add(new AliasStep(entry.Number, note.To, At(entry)));
    }

    private void Describe(LedgerEntry entry, DescriptionNote note)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (Own(entry, note.Model) && RegistryRules.IsDescription(note.Description) && RegistryRules.IsOwner(note.Owner))
        {
            model.Description = note.Description is null ? model.Description : NullIfEmpty(note.Description);
            model.Owner = note.Owner is null ? model.Owner : NullIfEmpty(note.Owner);
            model.Described = true;
        }
    }

    private void Tag(LedgerEntry entry, TagNote note)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (!Own(entry, note.Model) || !RegistryRules.IsTagKey(note.Key) || (note.Value is not null && !RegistryRules.IsTagValue(note.Value)))
        {
            return;
        }

        if (note.Version is not { } number)
        {
            if (Tagged(model.Tags, note) is { } tags)
            {
                model.Tags = tags;
                model.Described = true;
            }
        }
        else if (model.Find(number) is { Deleted: false } version && Tagged(version.Tags, note) is { } tags)
        {
            model.Versions[number - 1] = version with { Tags = tags };
        }
    }

    /// <summary>The tags after a change; null when it changes nothing or there would be too many.</summary>
    private static SortedDictionary<string, string>? Tagged(IReadOnlyDictionary<string, string> tags, TagNote note)
    {
        string? before = tags.GetValueOrDefault(note.Key);
        if (before == note.Value || (before is null && tags.Count >= RegistryRules.MaxTags))
        {
            return null;
        }

        SortedDictionary<string, string> changed = new(StringComparer.Ordinal);
        foreach ((string key, string value) in tags)
        {
            changed.Add(key, value);
        }

        if (note.Value is null)
        {
            changed.Remove(note.Key);
        }
        else
        {
            changed[note.Key] = note.Value;
        }

        return changed;
    }

    private void MoveStage(LedgerEntry entry, StageNote note)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (Own(entry, note.Model) && model.Find(note.Version) is { Deleted: false } version && version.Stage == note.From && RegistryRules.IsStage(note.To))
        {
            model.Versions[note.Version - 1] = version with { Stage = note.To };
        }
    }

    private void Deprecate(LedgerEntry entry, DeprecationNote note)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (Own(entry, note.Model) && model.Find(note.Version) is { Deleted: false } version
            && (note.Successor is null || (note.Successor != note.Version && model.Find(note.Successor.Value) is not null)))
        {
            model.Versions[note.Version - 1] = version with { Deprecation = note.Revoked ? null : new VersionDeprecation(note.Successor, entry.Reason, entry.Actor, At(entry)) };
        }
    }

    private void Delete(LedgerEntry entry, TombstoneNote note)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (Own(entry, note.Model) && model.Find(note.Version) is { Deleted: false } version && version.Digest == note.Digest && model.NamedBy(note.Version) is null)
        {
            model.Versions[note.Version - 1] = version with { DeletedAt = At(entry) };
        }
    }

    private static bool Own(LedgerEntry entry, string model) => entry.Resource.Kind == "model" && entry.Resource.Name == model;

    private static DateTimeOffset At(LedgerEntry entry) => entry.Time.ToUniversalTime();

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private void Deploy(LedgerEntry entry, DeploymentNote note, bool starts)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (note.Model != model.Name)
        {
            return;
        }

        if (model.Open.TryGetValue(note.Host, out int open) && (starts || model.Deployments[open].Version == note.Version))
        {
            DeploymentInterval earlier = model.Deployments[open];
            model.Deployments[open] = earlier with { End = At(entry) > earlier.Start ? At(entry) : earlier.Start };
            model.Open.Remove(note.Host);
        }

        if (starts)
        {
            model.Open.Add(note.Host, model.Deployments.Count);
            model.Deployments.Add(new DeploymentInterval(model.Name, note.Version, note.Host, At(entry), null));
        }
    }

    private ModelState Model(string name)
    {
        if (!_models.TryGetValue(name, out ModelState? model))
        {
            _models.Add(name, model = new ModelState(name));
        }

        return model;
    }

    private RunState RunOf(string id)
    {
        if (!_runs.TryGetValue(id, out RunState? run))
        {
            _runs.Add(id, run = new RunState(id));
            _runsInOrder.Add(run);
        }

        return run;
    }

    private void List(RunState run)
    {
        if (!_experiments.TryGetValue(run.Record!.Experiment, out List<RunState>? runs))
        {
            _experiments.Add(run.Record.Experiment, runs = []);
        }

        runs.Add(run);
    }

    private static string? ModelScope(LedgerEntry entry)
    {
        string? name = entry.Resource.Kind == "model"
            ? entry.Resource.Name
            : entry.Data.ValueKind == System.Text.Json.JsonValueKind.Object && entry.Data.TryGetProperty("model", out System.Text.Json.JsonElement model)
                && model.ValueKind == System.Text.Json.JsonValueKind.String ? model.GetString() : null;
        return RegistryRules.IsName(name) ? name : null;
    }

    private static string? RunScope(LedgerEntry entry) => entry.Resource.Kind == "run" && RegistryRules.IsName(entry.Resource.Name) ? entry.Resource.Name : null;
}
