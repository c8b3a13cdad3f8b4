using System.Text;
using Microsoft.Extensions.Logging;

namespace Mlops.Sdk.Monitoring;

/// <summary>
/// Keeps open windows in the store, so that a killed process loses only what it recorded since the last flush, and finds what killed
/// processes left. How each row comes to be in exactly one closed window: docs/decisions/005-recording-parts.md.
/// </summary>
internal sealed class WindowParts(IObjectStore store, IIdGenerator ids, TimeProvider time, RecordingOptions options, ILogger logger)
{
    /// <summary>What the keys of all parts start with.</summary>
    internal const string Prefix = "monitoring/parts/";

    private const int MostSeen = 10_000;

    private readonly Dictionary<ObjectKey, (string ETag, long Since)> _seen = []; // parts of others, guarded by their model's gate and this lock
    private readonly Lock _gate = new();

    /// <summary>Writes what an open window has, if it changed or its part gets old.</summary>
    /// <param name="open">The window.</param>
    /// <param name="seal">Whether it is about to be closed.</param>
    /// <param name="cancellationToken">Stops the write; whether it took effect is found out by the next one.</param>
    /// <returns>False when others have all of the window in windows of theirs: nothing is left of it.</returns>
    internal async ValueTask<bool> SaveAsync(OpenWindow open, bool seal, CancellationToken cancellationToken)
    {
        while (!open.SealedInStore && (seal || open.Changed || time.GetElapsedTime(open.WrittenAt) >= options.AbandonedAfter / 3))
        {
            ObjectKey key = KeyOf(open.Model, open.Id);
            bool unsure = open is { InStore: true, ETag: null }; // the first attempt got no answer: it may be there, or closed and gone by now
            if (!unsure)
            {
                WindowPart part = open.Attempt(seal);
                if (await PutAsync(key, part, open.ETag, cancellationToken).ConfigureAwait(false) is { } etag)
                {
                    open.WrittenAt = time.GetTimestamp();
                    open.Acknowledge(part, etag);
                    return true;
                }
            }

            // somebody wrote meanwhile: we ourselves, in an attempt whose answer never came, or a process that took us for dead
            (WindowPart? found, string? tag) = await ReadAsync(key, cancellationToken).ConfigureAwait(false);
            if (found is { Sealed: false } && tag is not null)
            {
                open.Acknowledge(found, tag);
                continue;
            }

            long? rows = found is null ? await ClosedRowsAsync(open.Id, cancellationToken).ConfigureAwait(false) : null;
            if (unsure && found is null && rows is null)
            {
                open.Forget();
                continue;
            }

            logger.WindowAdopted(open.Model, open.Version, open.Id);
            if (!open.LoseTo(found?.Sequence, rows, ids.NewId()))
            {
                return false;
            }

            if (seal)
            {
                return true; // what is left has no part that anybody could take
            }
        }

        return true;
    }

    /// <summary>Removes the part of a window that is in the ledger.</summary>
    internal async ValueTask RemoveAsync(OpenWindow open, CancellationToken cancellationToken)
    {
        if (open.InStore)
        {
            await store.DeleteAsync(KeyOf(open.Model, open.Id), cancellationToken: cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes over the windows of a model that stayed as they were for too long: each by one process.</summary>
    /// <param name="model">The model.</param>
    /// <param name="own">The ids of this process's windows.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    internal async ValueTask<IReadOnlyList<OpenWindow>> AdoptAsync(string model, IReadOnlySet<string> own, CancellationToken cancellationToken)
    {
        var adopted = new List<OpenWindow>();
        var present = new HashSet<ObjectKey>();
        string prefix = PrefixOf(model);
        await foreach (ObjectInfo info in store.ListAsync(prefix, cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            present.Add(info.Key);
            if (own.Contains(info.Key.Value[prefix.Length..]) || !IsStale(info))
            {
                continue;
            }

            (WindowPart? part, string? etag) = await ReadAsync(info.Key, cancellationToken).ConfigureAwait(false);
            if (part is null || etag != info.ETag || part.Window.Model != model || KeyOf(model, part.Window.Id) != info.Key)
            {
                if (part is null && etag is not null)
                {
                    logger.UnreadablePart(model, info.Key.Value); // left as it is: a newer library may read it
                }

                continue;
            }

            string? mine = part.Sealed ? etag : await PutAsync(info.Key, part with { Sealed = true }, etag, cancellationToken).ConfigureAwait(false);
            if (mine is not null)
            {
                adopted.Add(new OpenWindow(part, mine));
            }
        }

        lock (_gate)
        {
            foreach (ObjectKey gone in _seen.Keys.Where(k => k.Value.StartsWith(prefix, StringComparison.Ordinal) && !present.Contains(k)).ToArray())
            {
                _seen.Remove(gone);
            }
        }

        return adopted;
    }

    internal static string PrefixOf(string model) => $"{Prefix}{Digest.Of(Encoding.UTF8.GetBytes(model)).Hex[..16]}/";

    internal static ObjectKey KeyOf(string model, string id) => ObjectKey.Parse(PrefixOf(model) + id);

    /// <summary>Tells whether a part stayed as it is for too long, by what this process saw and its own clock: no two clocks are compared.</summary>
    private bool IsStale(ObjectInfo info)
    {
        lock (_gate)
        {
            if (_seen.TryGetValue(info.Key, out (string ETag, long Since) seen) && seen.ETag == info.ETag)
            {
                return time.GetElapsedTime(seen.Since) >= options.AbandonedAfter;
            }

            if (_seen.Count < MostSeen)
            {
                _seen[info.Key] = (info.ETag, time.GetTimestamp());
            }

            return false;
        }
    }

    private async ValueTask<string?> PutAsync(ObjectKey key, WindowPart part, string? etag, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(part.Serialize(), writable: false);
        PutResult result = await store.PutAsync(key, content, etag is null ? PutCondition.IfAbsent : PutCondition.IfMatch(etag), cancellationToken).ConfigureAwait(false);
        return result.Written ? result.ETag : null;
    }

    /// <summary>Reads a part and the ETag that its bytes have.</summary>
    private async ValueTask<(WindowPart? Part, string? ETag)> ReadAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        while (true)
        {
            ObjectInfo? before = await store.HeadAsync(key, cancellationToken).ConfigureAwait(false);
            Stream? stream = before is null ? null : await store.OpenAsync(key, null, cancellationToken).ConfigureAwait(false);
            if (stream is null)
            {
                return (null, null);
            }

            byte[]? bytes;
            await using (stream.ConfigureAwait(false))
            {
                bytes = await BoundedReading.ReadAllAsync(stream, WindowPart.MaxBytes, cancellationToken).ConfigureAwait(false);
            }

            if ((await store.HeadAsync(key, cancellationToken).ConfigureAwait(false))?.ETag == before!.ETag)
            {
                return (bytes is null ? null : Parse(bytes), before.ETag);
            }
        }
    }

    private static WindowPart? Parse(byte[] bytes)
    {
        try
        {
            return WindowPart.Read(bytes);
        }
        catch (Exception error) when (error is FormatException or MlopsIntegrityException)
        {
            return null; // the callers say so
        }
    }

    private async ValueTask<long?> ClosedRowsAsync(string id, CancellationToken cancellationToken)
    {
        Stream? stream = await store.OpenAsync(ObjectKey.Parse($"monitoring/{id}"), null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            byte[]? bytes = await BoundedReading.ReadAllAsync(stream, WindowPart.MaxBytes, cancellationToken).ConfigureAwait(false);
            return bytes is null ? null : OpenWindow.RowsOf(MonitorWindow.Deserialize(bytes));
        }
    }
}
