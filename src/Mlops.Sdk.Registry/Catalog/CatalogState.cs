using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>What the ledger says that people search models by and read in cards. Compact facts only; no entry is kept.</summary>
/// <remarks>
/// Takes in versions, aliases and the rest by the same conditions as the registry: an entry that breaks its rules changes nothing.
/// One lock guards it; whoever searches holds it for the few milliseconds of the search.
/// </remarks>
internal sealed partial class CatalogState : ISnapshotProjection
{
    internal const int NewestFormat = 1;
    private const int MaxOpenAlerts = 100;
    private readonly Lock _gate = new();
    private TextTable _texts = new();
    private Dictionary<string, ModelFacts> _models = new(StringComparer.Ordinal);
    private List<ModelFacts> _modelsInOrder = [];
    private List<VersionFacts> _versionsInOrder = [];
    private Dictionary<string, (ModelFacts Model, string Person)> _requests = new(StringComparer.Ordinal);

    public string SnapshotName => "catalog";

    public int SnapshotFormat => 2;

    /// <summary>Gets the models in the order in which the ledger first spoke of them. Under the lock.</summary>
    internal List<ModelFacts> Models => _modelsInOrder;

    /// <summary>Gets the versions in the order of registration. Under the lock.</summary>
    internal List<VersionFacts> Versions => _versionsInOrder;

    /// <summary>Gets or sets who is told that a model's (version null) or a version's words changed, and that everything did (both null).</summary>
    internal Action<ModelFacts?, VersionFacts?>? WordsChanged { get; set; }

    public ISnapshotProjection NewEmpty() => new CatalogState();

    public void Apply(LedgerEntry entry)
    {
        if (entry.Outcome != LedgerOutcome.Done || !Knows(entry.Kind))
        {
            return;
        }

        lock (_gate)
        {
            string? scope = ModelScope(entry);
            if (scope is null)
            {
                return;
            }

            if (entry.Format > NewestFormat)
            {
                ModelFacts newer = Model(scope);
                if (newer.NewerEntry is null)
                {
                    (newer.NewerEntry, newer.NewerFormat) = (entry.Number, entry.Format);
                }

                return;
            }

            Take(entry, scope);
        }
    }

    internal T Read<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }

    /// <summary>Finds a model; only under the lock.</summary>
    internal ModelFacts? Find(string model) => _models.GetValueOrDefault(model);

    /// <summary>Finds a model with a version; only under the lock.</summary>
    /// <exception cref="MlopsNotFoundException">There is none; code <c>registry.version_not_found</c>.</exception>
    /// <exception cref="MlopsIntegrityException">A newer library wrote about it; code <c>registry.newer_format</c>.</exception>
    internal ModelFacts Registered(string model)
    {
        ModelFacts facts = Find(model) is { Versions.Count: > 0 } there
            ? there
            : throw new MlopsNotFoundException("registry.version_not_found", $"There is no model {RegistryRules.Show(model)}. Register a version first.");
        facts.ThrowIfNewer();
        return facts;
    }

    /// <summary>Finds a request that its asker did not replace by a newer one; only under the lock.</summary>
    internal AccessRequest? FindRequest(string id) => _requests.TryGetValue(id, out (ModelFacts Model, string Person) place) ? place.Model.Feedback.RequestOf(place.Person) : null;

    private static bool Knows(string kind) => kind switch
    {
        LedgerKinds.VersionRegistered or LedgerKinds.AliasMoved or LedgerKinds.ModelDescribed or LedgerKinds.TagSet or LedgerKinds.StageMoved
            or LedgerKinds.VersionDeprecated or LedgerKinds.VersionDeleted or LedgerKinds.CardEdited or LedgerKinds.ApprovalGiven
            or LedgerKinds.DeploymentStarted or LedgerKinds.DeploymentEnded or LedgerKinds.AlertRaised
            or LedgerKinds.AccessRequested or LedgerKinds.AccessAnswered or LedgerKinds.ModelRated => true,
        _ => IsWatching(kind) || IsSigning(kind),
    };

    /// <summary>Whether monitoring wrote it; Mlops.Sdk.Monitoring, which Registry does not know, has the constants.</summary>
    private static bool IsWatching(string kind) => kind is "monitor.window_closed" or "monitor.alert_closed";

    /// <summary>Whether it tells of a signature. Signing comes with Mlops.Sdk.Governance; these are the names it may use.</summary>
    private static bool IsSigning(string kind) => kind is "model.signed" or "model.version_signed" or "signature.added" or "signature.given" or "signature.revoked";

    private void Take(LedgerEntry entry, string scope)
    {
        switch (entry.Kind)
        {
            case LedgerKinds.VersionRegistered when LedgerData.TryRead(entry.Data, out VersionNote? note):
                Register(entry, Model(scope), note);
                break;
            case LedgerKinds.AliasMoved when LedgerData.TryRead(entry.Data, out AliasNote? note):
                Move(entry, Model(scope), note);
                break;
            case LedgerKinds.ModelDescribed when LedgerData.TryRead(entry.Data, out DescriptionNote? note) && IsAbout(entry, note.Model):
                Describe(Model(scope), note);
                break;
            case LedgerKinds.TagSet when LedgerData.TryRead(entry.Data, out TagNote? note) && IsAbout(entry, note.Model):
                Tag(Model(scope), note);
                break;
            case LedgerKinds.StageMoved when LedgerData.TryRead(entry.Data, out StageNote? note) && IsAbout(entry, note.Model):
                Change(scope, note.Version, v => v.Stage = _texts.Get(note.To));
                break;
            case LedgerKinds.VersionDeprecated when LedgerData.TryRead(entry.Data, out DeprecationNote? note) && IsAbout(entry, note.Model):
                Change(scope, note.Version, v => (v.Deprecated, v.Successor) = (!note.Revoked, !note.Revoked && note.Successor > 0 ? note.Successor : null));
                break;
            case LedgerKinds.VersionDeleted when LedgerData.TryRead(entry.Data, out TombstoneNote? note) && IsAbout(entry, note.Model):
                Change(scope, note.Version, v => v.Deleted = true);
                break;
            case LedgerKinds.CardEdited when LedgerData.TryRead(entry.Data, out CardNote? note) && IsAbout(entry, note.Model):
                Edit(entry, Model(scope), note);
                break;
            case LedgerKinds.ApprovalGiven when LedgerData.TryRead(entry.Data, out ApprovalNote? note) && note.Model == scope:
                Approve(entry, Model(scope), note);
                break;
            case LedgerKinds.DeploymentStarted when LedgerData.TryRead(entry.Data, out DeploymentNote? note) && note.Model == scope:
                Deploy(Model(scope), note, starts: true);
                break;
            case LedgerKinds.DeploymentEnded when LedgerData.TryRead(entry.Data, out DeploymentNote? note) && note.Model == scope:
                Deploy(Model(scope), note, starts: false);
                break;
            case LedgerKinds.AlertRaised when LedgerData.TryRead(entry.Data, out AlertNote? note) && note.Model == scope && note.Version is { } number:
                Change(scope, number, v => Alert(v, note));
                break;
            case LedgerKinds.AccessRequested when LedgerData.TryRead(entry.Data, out AccessRequestNote? note) && IsAbout(entry, note.Model):
                Ask(entry, Find(scope));
                break;
            case LedgerKinds.AccessAnswered when LedgerData.TryRead(entry.Data, out AccessAnswerNote? note) && IsAbout(entry, note.Model):
                if (_requests.TryGetValue(note.RequestId, out (ModelFacts Model, string Person) place) && place.Model.Name == scope)
                {
                    place.Model.Feedback.Answer(place.Person, entry, note);
                }

                break;
            case LedgerKinds.ModelRated when LedgerData.TryRead(entry.Data, out RatingNote? note) && IsAbout(entry, note.Model):
                Rate(entry, Find(scope), note);
                break;
            default:
                TakeOther(entry, scope);
                break;
        }
    }

    /// <summary>Kinds of packages that Registry does not know: read by field, and passed over when a field is not there.</summary>
    private void TakeOther(LedgerEntry entry, string scope)
    {
        if (!IsWatching(entry.Kind) && !IsSigning(entry.Kind))
        {
            return;
        }

        JsonElement data = entry.Data;
        int? number = data.ValueKind == JsonValueKind.Object && data.TryGetProperty("version", out JsonElement version) && version.ValueKind == JsonValueKind.Number && version.TryGetInt32(out int n) ? n : entry.Resource.Version;
        if (number is null)
        {
            return;
        }

        string? alert = entry.Kind == "monitor.alert_closed" && data.ValueKind == JsonValueKind.Object && data.TryGetProperty("alertId", out JsonElement id) && id.ValueKind == JsonValueKind.String ? id.GetString() : null;
        Change(scope, number.Value, v =>
        {
            if (IsSigning(entry.Kind))
            {
                v.Signed = entry.Kind != "signature.revoked";
                return;
            }

            v.Watched = true;
            if (alert is not null)
            {
                Pairs.Remove(v.OpenAlerts, alert);
            }
        });
    }

    private void Register(LedgerEntry entry, ModelFacts model, VersionNote note)
    {
        if (!IsAbout(entry, note.Model) || note.Number != model.Versions.Count + 1 || !note.Digest.HasValue || !Enum.IsDefined(note.Status))
        {
            return;
        }

        VersionFacts version = new(model, note.Number, _versionsInOrder.Count)
        {
            Digest = note.Digest,
            Status = note.Status,
            RunId = note.RunId,
            Parent = note.Parent > 0 ? note.Parent : null,
            By = _texts.Get(entry.Actor.Id),
            OnBehalfOf = entry.Actor.OnBehalfOf is { } other ? _texts.Get(other) : null,
            At = entry.Time.UtcTicks,
            Reason = _texts.Get(entry.Reason),
            Task = note.Task is { } task && Enum.IsDefined(task) ? task : null,
            Format = note.ModelFormat is null ? null : _texts.Get(note.ModelFormat),
            Algorithm = note.Algorithm is null ? null : _texts.Get(note.Algorithm),
            Metrics = [.. note.Metrics.Where(m => m.Value is not null).OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => KeyValuePair.Create(_texts.Get(m.Key), m.Value))],
            Dataset = note.Dataset is { Fingerprint.HasValue: true } dataset ? dataset with { Source = _texts.Get(dataset.Source) } : null,
        };
        model.Versions.Add(version);
        _versionsInOrder.Add(version);
        WordsChanged?.Invoke(model, version);
    }

    private void Move(LedgerEntry entry, ModelFacts model, AliasNote note)
    {
        if (!IsAbout(entry, note.Model) || !RegistryRules.IsAlias(note.Alias) || note.To < 0 || note.To > model.Versions.Count)
        {
            return;
        }

        if (note.To == 0)
        {
            Pairs.Remove(model.Aliases, note.Alias);
        }
        else
        {
            Pairs.Set(model.Aliases, _texts.Get(note.Alias), note.To);
        }
    }

    private void Describe(ModelFacts model, DescriptionNote note)
    {
        model.Description = note.Description ?? model.Description;
        model.Owner = note.Owner is null ? model.Owner : _texts.Get(note.Owner);
        Forget(model);
        WordsChanged?.Invoke(model, null);
    }

    private void Tag(ModelFacts model, TagNote note)
    {
        VersionFacts? version = note.Version is { } number ? model.Find(number) : null;
        if (note.Key.Length == 0 || (note.Version is not null && version is null))
        {
            return;
        }

        List<KeyValuePair<string, string>> tags = version?.Tags ?? model.Tags;
        if (note.Value is null)
        {
            Pairs.Remove(tags, note.Key);
        }
        else
        {
            Pairs.Set(tags, _texts.Get(note.Key), _texts.Get(note.Value));
        }

        Forget(model);
        WordsChanged?.Invoke(model, version);
    }

    private void Edit(LedgerEntry entry, ModelFacts model, CardNote note)
    {
        VersionFacts? version = note.Version is { } number ? model.Find(number) : null;
        if (!CardRules.IsSection(note.Section) || (note.Version is not null && version is null))
        {
            return;
        }

        List<KeyValuePair<string, SectionFacts>> sections = version?.Sections ?? model.Sections;
        if (note.Text.Length == 0)
        {
            Pairs.Remove(sections, note.Section);
        }
        else
        {
            Pairs.Set(sections, _texts.Get(note.Section), new SectionFacts(note.Text, _texts.Get(entry.Actor.Id), entry.Time.UtcTicks, entry.Reason, entry.Number));
        }

        WordsChanged?.Invoke(model, version);
    }

    private static void Approve(LedgerEntry entry, ModelFacts model, ApprovalNote note)
    {
        if (model.Find(note.Version) is { } version && version.Digest == note.Digest && entry.Actor.Kind != ActorKind.System
            && !Same(entry.Actor.Id, version.By) && !Same(entry.Actor.Id, version.OnBehalfOf) && !Same(entry.Actor.OnBehalfOf, version.By)
            && !version.Approvals.Exists(a => Same(a.Key, entry.Actor.Id)))
        {
            Pairs.Set(version.Approvals, entry.Actor.Id, entry.Time.UtcTicks);
            version.Facets = null;
        }
    }

    private static bool Same(string? one, string? other) => one is not null && string.Equals(one.Trim(), other?.Trim(), StringComparison.OrdinalIgnoreCase);

    private void Deploy(ModelFacts model, DeploymentNote note, bool starts)
    {
        if (starts)
        {
            Pairs.Set(model.Hosts, _texts.Get(note.Host), note.Version);
        }
        else if (Pairs.Find(model.Hosts, note.Host, out int running) && running == note.Version)
        {
            Pairs.Remove(model.Hosts, note.Host);
        }

        Forget(model);
    }

    private static void Alert(VersionFacts version, AlertNote note)
    {
        version.Watched = true;
        foreach ((string id, string check) in version.OpenAlerts.ToArray())
        {
            if (check == note.Check)
            {
                Pairs.Remove(version.OpenAlerts, id); // a check has one open alert: a new one takes the place of one that was open too long
            }
        }

        if (version.OpenAlerts.Count < MaxOpenAlerts)
        {
            Pairs.Set(version.OpenAlerts, note.AlertId, note.Check);
        }
    }

    private void Ask(LedgerEntry entry, ModelFacts? model)
    {
        if (model is not { Versions.Count: > 0 } || _requests.ContainsKey(entry.Id) || !Feedback.Counts(entry))
        {
            return;
        }

        string person = Feedback.PersonOf(entry.Actor);
        if (model.Feedback.RequestOf(person) is { } replaced)
        {
            _requests.Remove(replaced.Id);
        }

        model.Feedback.Ask(person, entry, model.Name);
        _requests.Add(entry.Id, (model, person));
    }

    private static void Rate(LedgerEntry entry, ModelFacts? model, RatingNote note)
    {
        if (model is { Versions.Count: > 0 } && model.Feedback.Rate(entry, note))
        {
            Forget(model);
        }
    }

    private void Change(string model, int number, Action<VersionFacts> change)
    {
        if (Find(model)?.Find(number) is { } version)
        {
            change(version);
            version.Facets = null;
        }
    }

    private static void Forget(ModelFacts model)
    {
        foreach (VersionFacts version in model.Versions)
        {
            version.Facets = null;
        }
    }

    private ModelFacts Model(string name)
    {
        if (!_models.TryGetValue(name, out ModelFacts? model))
        {
            model = new ModelFacts(name, _modelsInOrder.Count);
            _models.Add(name, model);
            _modelsInOrder.Add(model);
        }

        return model;
    }

    private static bool IsAbout(LedgerEntry entry, string model) => entry.Resource.Kind == "model" && entry.Resource.Name == model;

    private static string? ModelScope(LedgerEntry entry)
    {
        string? name = entry.Resource.Kind == "model"
            ? entry.Resource.Name
            : entry.Data.ValueKind == JsonValueKind.Object && entry.Data.TryGetProperty("model", out JsonElement model) && model.ValueKind == JsonValueKind.String ? model.GetString() : null;
        return RegistryRules.IsName(name) ? name : null;
    }
}
