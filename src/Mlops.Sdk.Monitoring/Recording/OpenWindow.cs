namespace Mlops.Sdk.Monitoring;

/// <summary>A window that is not in the ledger yet: what of it stands in the store as a part, and what came since. One thread at a time.</summary>
internal sealed class OpenWindow
{
    private readonly List<(MonitorWindow Counts, long Sequence)> _since = []; // not known to be in the store; the sequence of the first attempt to write it, 0 before any
    private MonitorWindow? _stored;

    internal OpenWindow(MonitorWindow window)
    {
        Id = window.Id;
        _since.Add((window, 0));
        (Model, Version) = (window.Model, window.Version);
    }

    /// <summary>Takes over a part that another process left behind.</summary>
    internal OpenWindow(WindowPart part, string etag)
    {
        (_stored, ETag, Sequence) = (part.Window, etag, part.Sequence);
        Id = part.Window.Id;
        (Model, Version) = (part.Window.Model, part.Window.Version);
        Sealed = true;
        SealedInStore = true;
    }

    internal string Id { get; private set; }

    internal string Model { get; }

    internal int Version { get; }

    /// <summary>Gets all that was counted; null when others have all of it in windows of theirs.</summary>
    internal MonitorWindow? Window { get; private set; }

    /// <summary>Gets or sets whether closing it was tried: it may be in the ledger, so it is tried again as it is and takes no more rows in.</summary>
    internal bool Sealed { get; set; }

    /// <summary>Gets the ETag of the part, null when none is known to be there.</summary>
    internal string? ETag { get; private set; }

    /// <summary>Gets the number of the last attempt to write the part.</summary>
    internal long Sequence { get; private set; }

    /// <summary>Gets whether a part may be in the store.</summary>
    internal bool InStore => Sequence > 0;

    /// <summary>Gets whether the part says that nothing will be added to it.</summary>
    internal bool SealedInStore { get; private set; }

    /// <summary>Gets whether something came since the part was written.</summary>
    internal bool Changed => _since.Count > 0;

    /// <summary>Gets or sets when the part was written last, as a timestamp of the clock.</summary>
    internal long WrittenAt { get; set; }

    internal MonitorWindow Counts => Window ??= Sum();

    internal void Add(MonitorWindow taken)
    {
        _since.Add((taken, 0));
        Window = null;
    }

    /// <summary>Makes what is to be written, under a number of its own.</summary>
    internal WindowPart Attempt(bool seal)
    {
        Sequence = Math.Max(Sequence, _since.Select(s => s.Sequence).DefaultIfEmpty(0).Max()) + 1; // never one that an earlier attempt had
        for (int i = 0; i < _since.Count; i++)
        {
            if (_since[i].Sequence == 0)
            {
                _since[i] = (_since[i].Counts, Sequence);
            }
        }

        return new WindowPart { Sequence = Sequence, Sealed = seal, Window = Counts with { Sample = null } };
    }

    /// <summary>Takes note that an attempt is in the store.</summary>
    internal void Acknowledge(WindowPart part, string etag)
    {
        MonitorWindow[] now = [.. _since.Where(s => s.Sequence != 0 && s.Sequence <= part.Sequence).Select(s => s.Counts)];
        _stored = now.Length == 0 ? _stored : Sum(Id, [.. _stored is null ? [] : (MonitorWindow[])[_stored], .. now]);
        _since.RemoveAll(s => s.Sequence != 0 && s.Sequence <= part.Sequence);
        ETag = etag;
        SealedInStore = part.Sealed;
    }

    /// <summary>Takes note that no attempt has been written.</summary>
    internal void Forget() => Sequence = 0;

    /// <summary>Takes note that another process closes the window with what had been written when it took over: what came after that goes on as another window.</summary>
    /// <param name="sequence">The attempt that it took over, or null when only the counts are known.</param>
    /// <param name="rows">How many rows it took over, counted or not; null when that is not known either: then it is what was acknowledged.</param>
    /// <param name="id">The id to go on with.</param>
    /// <returns>Whether anything is left.</returns>
    internal bool LoseTo(long? sequence, long? rows, string id)
    {
        if (sequence is null && rows is { } taken)
        {
            // an attempt of which we had no answer may or may not be in it: rows only grow, so their number tells
            long sum = _stored is null ? 0 : RowsOf(_stored);
            foreach ((MonitorWindow counts, long attempt) in _since.Where(s => s.Sequence != 0))
            {
                sum += RowsOf(counts);
                sequence = sum <= taken ? attempt : sequence;
            }
        }

        _since.RemoveAll(s => s.Sequence != 0 && s.Sequence <= (sequence ?? 0));
        for (int i = 0; i < _since.Count; i++)
        {
            _since[i] = (_since[i].Counts, 0);
        }

        (_stored, ETag, Sequence, SealedInStore, Window, Id) = (null, null, 0, false, null, id);
        return _since.Count > 0;
    }

    internal static long RowsOf(MonitorWindow window) => window.Rows + window.NotRecorded;

    private static MonitorWindow Sum(string id, IReadOnlyList<MonitorWindow> parts)
    {
        // a window without features is one of a version whose reference was not there: its rows are only counted
        MonitorWindow[] counted = [.. parts.Where(p => p.Features.Count > 0)];
        MonitorWindow sum = MonitorWindow.Merge(id, counted.Length > 0 ? counted : parts);
        return counted.Length == 0 || counted.Length == parts.Count ? sum : sum with
        {
            From = parts.Min(p => p.From),
            To = parts.Max(p => p.To),
            NotRecorded = parts.Sum(p => p.NotRecorded),
        };
    }

    private MonitorWindow Sum() => Sum(Id, [.. _stored is null ? [] : (MonitorWindow[])[_stored], .. _since.Select(s => s.Counts)]);
}
