namespace Mlops.Sdk.Registry;

/// <summary>What the ledger says about models and runs. Folded entry by entry under one lock; readers get copies or immutable records.</summary>
/// <remarks>
/// Entries that break the registry's own rules (a number that is not the next one, an alias of a version that does not exist) change
/// nothing, in every process alike: they were written around the registry. They stay visible in the history.
/// </remarks>
internal sealed class RegistryState : ILedgerProjection
{
    internal const int NewestFormat = 1;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, ModelState> _models = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RunState> _runs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _experiments = new(StringComparer.Ordinal);

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
                if (model.Versions.Count > 0)
                {
                    all.Add(new ModelSummary(
                        model.Name,
                        model.Versions.Count,
                        model.Versions[^1].Number,
                        new SortedDictionary<string, int>(model.Moves.ToDictionary(m => m.Key, m => m.Value[^1].To, StringComparer.Ordinal), StringComparer.Ordinal)));
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

    internal string? ModelOfRun(string runId)
    {
        lock (_gate)
        {
            return _runs.GetValueOrDefault(runId)?.Model;
        }
    }

    internal IReadOnlyList<RunRecord> Runs(string experiment)
    {
        lock (_gate)
        {
            if (!_experiments.TryGetValue(experiment, out List<string>? ids))
            {
                return [];
            }

            List<RunRecord> runs = new(ids.Count);
            foreach (string id in ids)
            {
                _runs[id].Newer?.Throw();
                runs.Add(_runs[id].Record!);
            }

            return runs;
        }
    }

    /// <summary>Keeps an entry in the history of the model it is about.</summary>
    private void Note(LedgerEntry entry)
    {
        string? model = ModelScope(entry);
        if (model is not null)
        {
            Model(model).History.Add(entry);
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
        run.Entry = entry;
        run.Record = new RunRecord(start.RunId, start.Experiment, RunStatus.Running, start.Trigger, entry.Reason, entry.Actor, entry.Time, null, null, null);
        if (!_experiments.TryGetValue(start.Experiment, out List<string>? ids))
        {
            _experiments.Add(start.Experiment, ids = []);
        }

        ids.Add(start.RunId);
    }

    private void End(LedgerEntry entry, RunEnd end)
    {
        if (end.RunId == entry.Resource.Name && _runs.GetValueOrDefault(end.RunId) is { Record: { Status: RunStatus.Running } record } run
            && end.Status is RunStatus.Completed or RunStatus.Rejected or RunStatus.Failed or RunStatus.Cancelled)
        {
            run.Record = record with { Status = end.Status, Ended = entry.Time, Message = end.Message };
        }
    }

    private void Add(LedgerEntry entry, VersionNote note)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (entry.Resource.Kind != "model" || note.Model != entry.Resource.Name || note.Number != model.Versions.Count + 1 || !note.Digest.HasValue || !Enum.IsDefined(note.Status))
        {
            return; // the approval rules of Mlops.Sdk.Governance take in versions by the same conditions
        }

        ModelVersion version = new(note.Model, note.Number, note.Digest, note.Status, note.RunId, entry.Reason, entry.Actor, entry.Time)
        {
            Parent = note.Parent,
            Metrics = note.Metrics.Where(m => m.Value is not null).ToDictionary(StringComparer.Ordinal),
        };
        model.Versions.Add(version);
        if (note.RunId is not null && _runs.GetValueOrDefault(note.RunId) is { Record: { Version: null } record } run)
        {
            // A version outweighs an end that another process wrote at the same moment: the version is there.
            run.Model = note.Model;
            run.Record = record with
            {
                Status = note.Status == VersionStatus.Rejected ? RunStatus.Rejected : RunStatus.Registered,
                Ended = entry.Time,
                Version = note.Number,
                Message = entry.Reason,
            };
            model.History.Insert(model.History.FindLastIndex(e => e.Number < run.Entry!.Number) + 1, run.Entry!);
        }
    }

    private void Move(LedgerEntry entry, AliasNote note)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (entry.Resource.Kind != "model" || note.Model != entry.Resource.Name || !RegistryRules.IsAlias(note.Alias) || note.To < 1 || note.To > model.Versions.Count)
        {
            return;
        }

        if (!model.Moves.TryGetValue(note.Alias, out List<AliasMove>? moves))
        {
            model.Moves.Add(note.Alias, moves = []);
        }

        moves.Add(new AliasMove(note.Model, note.Alias, moves.Count == 0 ? null : moves[^1].To, note.To, entry.Reason, entry.Actor, entry.Time));
    }

    private void Deploy(LedgerEntry entry, DeploymentNote note, bool starts)
    {
        ModelState model = Model(ModelScope(entry)!);
        if (note.Model != model.Name)
        {
            return;
        }

        int open = model.Deployments.FindLastIndex(d => d.Host == note.Host && d.End is null);
        if (open >= 0 && (starts || model.Deployments[open].Version == note.Version))
        {
            DeploymentInterval earlier = model.Deployments[open];
            model.Deployments[open] = earlier with { End = entry.Time > earlier.Start ? entry.Time : earlier.Start };
        }

        if (starts)
        {
            model.Deployments.Add(new DeploymentInterval(note.Model, note.Version, note.Host, entry.Time, null));
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
            _runs.Add(id, run = new RunState());
        }

        return run;
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

/// <summary>What is known of one model.</summary>
internal sealed class ModelState(string name)
{
    internal string Name { get; } = name;

    internal List<ModelVersion> Versions { get; } = [];

    internal Dictionary<string, List<AliasMove>> Moves { get; } = new(StringComparer.Ordinal);

    internal List<LedgerEntry> History { get; } = [];

    internal List<DeploymentInterval> Deployments { get; } = [];

    internal NewerEntry? Newer { get; set; }

    internal ModelVersion? Find(int number) => number >= 1 && number <= Versions.Count ? Versions[number - 1] : null;

    internal AliasMove? Last(string alias) => Moves.TryGetValue(alias, out List<AliasMove>? moves) ? moves[^1] : null;

    /// <summary>The last move, in the ledger's order, whose time is not after the instant.</summary>
    internal AliasMove? LastAt(string alias, DateTimeOffset instant) =>
        Moves.TryGetValue(alias, out List<AliasMove>? moves) ? moves.FindLast(m => m.At <= instant) : null;
}

internal sealed class RunState
{
    internal RunRecord? Record { get; set; }

    internal LedgerEntry? Entry { get; set; }

    internal string? Model { get; set; }

    internal NewerEntry? Newer { get; set; }
}

/// <summary>An entry that a newer version of the library wrote: what it says about its subject is not known here, so nothing is answered about it.</summary>
internal sealed record NewerEntry(long Number, string Kind, int Format)
{
    internal void Throw() => throw new MlopsIntegrityException(
        "registry.newer_format",
        $"Entry {Number} of the ledger ('{Kind}') has data of format {Format}; this version of the library reads up to {RegistryState.NewestFormat}. Update Mlops.Sdk in this process.");
}
