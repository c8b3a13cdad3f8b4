namespace Mlops.Sdk.Governance;

/// <summary>An approval as the ledger has it.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version's number.</param>
/// <param name="Digest">The digest of the version's manifest: it holds for these bytes only.</param>
/// <param name="By">Who approved.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When.</param>
/// <param name="Counts">Whether it counts: not by the version's author (unless the options allow it), not by the library itself, not a second one by the same person.</param>
public sealed record Approval(string Model, int Version, Digest Digest, Actor By, string Reason, DateTimeOffset At, bool Counts);

/// <summary>Who registered which version and who approved it, folded from the ledger.</summary>
internal sealed class ApprovalBook
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Model, int Version), Entry> _versions = [];
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);

    internal void Apply(LedgerEntry entry)
    {
        if (entry.Outcome != LedgerOutcome.Done || entry.Format > 1)
        {
            return; // of a newer format: unknown here, so it neither makes a version known nor counts as an approval
        }

        lock (_gate)
        {
            if (entry.Kind == LedgerKinds.VersionRegistered && LedgerData.TryRead(entry.Data, out VersionNote? version) && IsNext(entry, version))
            {
                _counts[version.Model] = version.Number;
                _versions.Add((version.Model, version.Number), new Entry(version.Digest, entry.Actor));
            }
            else if (entry.Kind == LedgerKinds.ApprovalGiven && LedgerData.TryRead(entry.Data, out ApprovalNote? note)
                && _versions.TryGetValue((note.Model, note.Version), out Entry? at) && note.Digest == at.Digest)
            {
                at.Approvals.Add(new Approval(note.Model, note.Version, note.Digest, entry.Actor, entry.Reason, entry.Time, Counts: true));
            }
        }
    }

    internal void Save(SnapshotWriter writer)
    {
        lock (_gate)
        {
            writer.Number(_versions.Count);
            foreach (((string model, int version), Entry at) in _versions.OrderBy(v => v.Key.Model, StringComparer.Ordinal).ThenBy(v => v.Key.Version))
            {
                writer.Shared(model);
                writer.Number(version);
                writer.Digest(at.Digest);
                writer.Actor(at.Author);
                writer.Number(at.Approvals.Count);
                foreach (Approval approval in at.Approvals)
                {
                    writer.Actor(approval.By);
                    writer.Text(approval.Reason);
                    writer.Time(approval.At);
                }
            }
        }
    }

    internal void Load(SnapshotReader reader)
    {
        var versions = new Dictionary<(string Model, int Version), Entry>();
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int left = reader.Count(); left > 0; left--)
        {
            string model = reader.SharedText();
            int version = reader.Int(least: 1);
            var at = new Entry(reader.Digest(), reader.Actor());
            for (int approvals = reader.Count(); approvals > 0; approvals--)
            {
                Actor by = reader.Actor();
                string reason = reader.Text();
                at.Approvals.Add(new Approval(model, version, at.Digest, by, reason, reader.Time(), Counts: true));
            }

            // versions of a model are numbered without gaps, and stand in order
            if (version != counts.GetValueOrDefault(model) + 1)
            {
                throw SnapshotReader.Broken();
            }

            counts[model] = version;
            versions.Add((model, version), at);
        }

        reader.End();
        lock (_gate)
        {
            foreach ((string model, int count) in counts)
            {
                _counts.Add(model, count);
            }

            foreach (((string Model, int Version) key, Entry at) in versions)
            {
                _versions.Add(key, at);
            }
        }
    }

    /// <summary>Finds a version's digest and author; null when the ledger has no such version.</summary>
    internal (Digest Digest, Actor Author)? Find(string model, int version)
    {
        lock (_gate)
        {
            return _versions.TryGetValue((model, version), out Entry? at) ? (at.Digest, at.Author) : null;
        }
    }

    /// <summary>The version's approvals, oldest first, each marked whether it counts.</summary>
    internal List<Approval> List(string model, int version, bool authorMayApprove)
    {
        lock (_gate)
        {
            List<Approval> all = [];
            if (_versions.TryGetValue((model, version), out Entry? at))
            {
                List<Actor> counted = [];
                foreach (Approval approval in at.Approvals)
                {
                    bool counts = MayApprove(approval.By, at.Author, authorMayApprove) && !counted.Exists(c => SamePerson(c, approval.By));
                    if (counts)
                    {
                        counted.Add(approval.By);
                    }

                    all.Add(approval with { Counts = counts });
                }
            }

            return all;
        }
    }

    /// <summary>Whether the registry takes the entry in as a version too: the same conditions, so that both speak of the same bytes and author.</summary>
    private bool IsNext(LedgerEntry entry, VersionNote version) => entry.Resource.Kind == "model" && version.Model == entry.Resource.Name
        && version.Number == _counts.GetValueOrDefault(version.Model) + 1 && version.Digest.HasValue && Enum.IsDefined(version.Status);

    internal static bool MayApprove(Actor actor, Actor author, bool authorMayApprove) =>
        actor.Kind != ActorKind.System && (authorMayApprove || !SamePerson(actor, author));

    /// <summary>Whether two actors may be one person: any id of one is an id of the other. Letter case does not make another person.</summary>
    internal static bool SamePerson(Actor one, Actor other) =>
        Same(one.Id, other.Id) || Same(one.Id, other.OnBehalfOf) || Same(one.OnBehalfOf, other.Id) || Same(one.OnBehalfOf, other.OnBehalfOf);

    private static bool Same(string? one, string? other) => one is not null && string.Equals(one.Trim(), other?.Trim(), StringComparison.OrdinalIgnoreCase);

    private sealed record Entry(Digest Digest, Actor Author)
    {
        internal List<Approval> Approvals { get; } = [];
    }
}
