using System.Globalization;

namespace Mlops.Sdk.Registry;

/// <summary>Turns the entries about a model, given in order, into what changed from what to what.</summary>
internal sealed class ChangeLog(string model)
{
    private readonly List<ModelChange> _changes = [];
    private readonly Dictionary<string, string?> _values = new(StringComparer.Ordinal); // what each thing was changed to last

    internal IReadOnlyList<ModelChange> Changes => _changes;

    internal void Add(LedgerEntry entry)
    {
        switch (entry.Kind)
        {
            case LedgerKinds.VersionRegistered when entry.Format == 1 && LedgerData.TryRead(entry.Data, out VersionNote? note):
                string stage = note.Stage ?? (note.Status == VersionStatus.Rejected ? VersionStages.Rejected : VersionStages.Validated);
                Note(entry, note.Number, "version", null, stage);
                Remember(entry, Stage(note.Number), stage);
                break;
            case LedgerKinds.AliasMoved when entry.Format == 1 && LedgerData.TryRead(entry.Data, out AliasNote? note):
                Note(entry, note.To > 0 ? note.To : note.From, $"alias '{note.Alias}'", Version(note.From), Version(note.To));
                break;
            case LedgerKinds.StageMoved when entry.Format == 1 && LedgerData.TryRead(entry.Data, out StageNote? note):
                Change(entry, note.Version, "stage", Stage(note.Version), note.To, note.From);
                break;
            case LedgerKinds.TagSet when entry.Format == 1 && LedgerData.TryRead(entry.Data, out TagNote? note):
                Change(entry, note.Version, $"tag '{note.Key}'", string.Create(CultureInfo.InvariantCulture, $"tag/{note.Version}/{note.Key}"), note.Value);
                break;
            case LedgerKinds.ModelDescribed when entry.Format == 1 && LedgerData.TryRead(entry.Data, out DescriptionNote? note):
                if (note.Description is not null || note.Owner is null)
                {
                    Change(entry, null, "description", "description", note.Description);
                }

                if (note.Owner is not null)
                {
                    Change(entry, null, "owner", "owner", note.Owner);
                }

                break;
            case LedgerKinds.VersionDeprecated when entry.Format == 1 && LedgerData.TryRead(entry.Data, out DeprecationNote? note):
                string? advice = note.Revoked ? null : note.Successor is { } successor ? $"use {Version(successor)} instead" : "do not use";
                Change(entry, note.Version, "deprecation", string.Create(CultureInfo.InvariantCulture, $"deprecation/{note.Version}"), advice);
                break;
            case LedgerKinds.VersionDeleted when entry.Format == 1 && LedgerData.TryRead(entry.Data, out TombstoneNote? note):
                Note(entry, note.Version, "version", _values.GetValueOrDefault(Stage(note.Version)), entry.Outcome == LedgerOutcome.Done ? "deleted" : null);
                break;
            case LedgerKinds.CardEdited when entry.Format == 1 && LedgerData.TryRead(entry.Data, out CardNote? note):
                Change(entry, note.Version, $"card section '{note.Section}'", string.Create(CultureInfo.InvariantCulture, $"card/{note.Version}/{note.Section}"), note.Text.Length == 0 ? null : note.Text);
                break;
            case LedgerKinds.DeploymentStarted or LedgerKinds.DeploymentEnded or LedgerKinds.DeploymentFailed when entry.Format == 1 && LedgerData.TryRead(entry.Data, out DeploymentNote? note):
                bool starts = entry.Kind != LedgerKinds.DeploymentEnded;
                string key = $"host/{note.Host}";
                string? serves = _values.GetValueOrDefault(key);
                if (starts || serves == Version(note.Version))
                {
                    Change(entry, note.Version, $"in service on '{note.Host}'", key, starts ? Version(note.Version) : null);
                }
                else
                {
                    Note(entry, note.Version, $"in service on '{note.Host}'", serves, serves); // a late end of an earlier version
                }

                break;
            case LedgerKinds.ApprovalGiven when entry.Format == 1 && LedgerData.TryRead(entry.Data, out ApprovalNote? note):
                Note(entry, note.Version, "approval", null, $"by {entry.Actor}");
                break;
            case LedgerKinds.AccessRequested when entry.Format == 1 && LedgerData.TryRead(entry.Data, out AccessRequestNote? _):
                Change(entry, null, $"access request '{entry.Id}'", $"access/{entry.Id}", "open");
                break;
            case LedgerKinds.AccessAnswered when entry.Format == 1 && LedgerData.TryRead(entry.Data, out AccessAnswerNote? note):
                Change(entry, null, $"access request '{note.RequestId}'", $"access/{note.RequestId}", note.Granted ? "granted" : "refused");
                break;
            case LedgerKinds.ModelRated when entry.Format == 1 && LedgerData.TryRead(entry.Data, out RatingNote? note):
                Change(entry, null, $"rating by {entry.Actor}", $"rating/{Feedback.PersonOf(entry.Actor)}", string.Create(CultureInfo.InvariantCulture, $"{note.Stars} of 5 stars"));
                break;
            case LedgerKinds.AlertRaised when entry.Format == 1 && LedgerData.TryRead(entry.Data, out AlertNote? note):
                Note(entry, note.Version, $"alert '{note.Check}'", null, note.Message);
                break;
            default: // other packages' kinds, and what a newer library wrote: that it happened is known
                Note(entry, entry.Resource.Kind == "model" && entry.Resource.Name == model ? entry.Resource.Version : null, entry.Kind, null, null);
                break;
        }
    }

    private void Change(LedgerEntry entry, int? version, string what, string key, string? to, string? from = null)
    {
        Note(entry, version, what, from ?? _values.GetValueOrDefault(key), to);
        Remember(entry, key, to);
    }

    private void Note(LedgerEntry entry, int? version, string what, string? from, string? to) =>
        _changes.Add(new ModelChange(entry.Number, entry.Kind, version, what, from, to, entry.Outcome, entry.Reason, entry.Actor, entry.Time));

    private void Remember(LedgerEntry entry, string key, string? value)
    {
        if (entry.Outcome == LedgerOutcome.Done)
        {
            _values[key] = value;
        }
    }

    private static string Stage(int version) => string.Create(CultureInfo.InvariantCulture, $"stage/{version}");

    private static string? Version(int? number) => number is null or 0 ? null : string.Create(CultureInfo.InvariantCulture, $"version {number}");
}
