using System.Globalization;
using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>What was delivered to a target: pages of 50 under <c>webhooks/NAME/deliveries/</c>, the oldest ones taken away. Written by whoever holds the target's name.</summary>
internal sealed class DeliveryHistory(IObjectStore store, string target, int kept)
{
    private const int MaxTries = 5;
    private readonly string _prefix = $"webhooks/{target}/deliveries/";
    private List<WebhookDelivery> _page = [];
    private int _number = -1; // not looked yet
    private string? _etag;

    /// <summary>Finds a delivery among the newest ones, to go on with it after a restart.</summary>
    internal async ValueTask<WebhookDelivery?> FindAsync(string id, long cause, CancellationToken cancellationToken)
    {
        await LoadAsync(cancellationToken).ConfigureAwait(false);
        return _page.FindLast(d => d.Id == id && d.Cause == cause);
    }

    /// <summary>Writes how a delivery stands. When another process wrote the page meanwhile, its lines are kept.</summary>
    internal async ValueTask PutAsync(WebhookDelivery delivery, CancellationToken cancellationToken)
    {
        for (int tries = 1; ; tries++)
        {
            await LoadAsync(cancellationToken).ConfigureAwait(false);
            int at = _page.FindLastIndex(d => d.Id == delivery.Id && d.Cause == delivery.Cause);
            if (at < 0 && _page.Count >= DeliveryPage.Size)
            {
                (_number, _page, _etag) = (_number + 1, [], null);
            }

            List<WebhookDelivery> next = [.. _page];
            if (at < 0)
            {
                next.Add(delivery);
            }
            else
            {
                next[at] = delivery;
            }

            byte[] bytes = SealedLine.Write(JsonSerializer.SerializeToUtf8Bytes(new DeliveryPage(DeliveryPage.CurrentFormat, target, next), WebhookJson.Default.DeliveryPage));
            using MemoryStream content = new(bytes, writable: false);
            PutResult result = await store.PutAsync(KeyOf(_number), content, _etag is null ? PutCondition.IfAbsent : PutCondition.IfMatch(_etag), cancellationToken).ConfigureAwait(false);
            if (result.Written)
            {
                (_page, _etag) = (next, result.ETag);
                if (at < 0 && next.Count == 1)
                {
                    await ForgetAsync(cancellationToken).ConfigureAwait(false);
                }

                return;
            }

            _number = -1;
            if (tries == MaxTries)
            {
                throw new MlopsStorageException("store.unavailable", $"The delivery history of webhook '{target}' in the {store.Description} changed at every try to write it.");
            }
        }
    }

    internal async ValueTask<IReadOnlyList<int>> PagesAsync(CancellationToken cancellationToken)
    {
        List<int> pages = [];
        await foreach (ObjectInfo info in store.ListAsync(_prefix, null, cancellationToken).ConfigureAwait(false))
        {
            if (int.TryParse(info.Key.Value.AsSpan(_prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int page))
            {
                pages.Add(page);
            }
        }

        return pages;
    }

    internal async ValueTask<IReadOnlyList<WebhookDelivery>> ReadAsync(int page, CancellationToken cancellationToken)
    {
        byte[]? bytes = await SmallObjects.ReadAsync(store, KeyOf(page), DeliveryPage.MaxBytes, cancellationToken).ConfigureAwait(false);
        if (bytes is null)
        {
            return []; // taken away meanwhile
        }

        DeliveryPage? read;
        try
        {
            read = JsonSerializer.Deserialize(SealedLine.ReadWhole(bytes), WebhookJson.Default.DeliveryPage);
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            throw Unreadable(page, error);
        }

        if (read is { Format: > DeliveryPage.CurrentFormat })
        {
            throw new MlopsIntegrityException("webhook.newer_format", $"'{KeyOf(page)}' has format {read.Format}; this version of the library reads up to {DeliveryPage.CurrentFormat}. Update Mlops.Sdk in this process.");
        }

        return read is { Format: >= 1, Deliveries: not null } && read.Target == target && read.Deliveries.All(d => d is { Id: not null, EventId: not null, Model: not null })
            ? [.. read.Deliveries.Select(d => d.Last is null ? d with { Last = [] } : d)]
            : throw Unreadable(page, null);
    }

    private MlopsIntegrityException Unreadable(int page, Exception? cause) => new(
        "webhook.unreadable_history", $"'{KeyOf(page)}' is no page of deliveries of webhook '{target}'. Remove the object: only the history of its deliveries is lost.", cause);

    private ObjectKey KeyOf(int page) => ObjectKey.Parse(string.Create(CultureInfo.InvariantCulture, $"{_prefix}{page:D8}"));

    private async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        if (_number >= 0)
        {
            return;
        }

        IReadOnlyList<int> pages = await PagesAsync(cancellationToken).ConfigureAwait(false);
        int last = pages.Count == 0 ? 0 : pages[^1];
        string? etag = (await store.HeadAsync(KeyOf(last), cancellationToken).ConfigureAwait(false))?.ETag;
        try
        {
            // the ETag is older than what is read, or its own: a write by it fails when anybody wrote between
            _page = etag is null ? [] : [.. await ReadAsync(last, cancellationToken).ConfigureAwait(false)];
        }
        catch (MlopsIntegrityException error) when (error.Code == "webhook.unreadable_history")
        {
            (_page, etag, last) = ([], null, last + 1); // left for a person to look at
        }

        (_number, _etag) = (last, etag);
    }

    private async ValueTask ForgetAsync(CancellationToken cancellationToken)
    {
        int pages = (kept + DeliveryPage.Size - 1) / DeliveryPage.Size;
        foreach (int old in (await PagesAsync(cancellationToken).ConfigureAwait(false)).Where(p => p <= _number - pages - 1))
        {
            await store.DeleteAsync(KeyOf(old), null, cancellationToken).ConfigureAwait(false);
        }
    }
}

/// <summary>Reads small objects whole.</summary>
internal static class SmallObjects
{
    /// <summary>Reads an object; null when there is none.</summary>
    /// <exception cref="MlopsIntegrityException">It has more bytes than are accepted; code <c>artifact.too_large</c>.</exception>
    internal static async ValueTask<byte[]?> ReadAsync(IObjectStore store, ObjectKey key, int maxBytes, CancellationToken cancellationToken)
    {
        Stream? stream = await store.OpenAsync(key, null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            try
            {
                return await ReadAsync(stream, maxBytes, cancellationToken).ConfigureAwait(false)
                    ?? throw new MlopsIntegrityException("artifact.too_large", $"'{key}' in the {store.Description} has more than the {maxBytes} bytes that are accepted here.");
            }
            catch (IOException error)
            {
                throw new MlopsStorageException("store.unavailable", $"Reading '{key}' of the {store.Description} broke off: {error.Message} Try again.", error);
            }
        }
    }

    /// <summary>Reads a stream to its end; null when it has more bytes than are accepted.</summary>
    internal static async ValueTask<byte[]?> ReadAsync(Stream stream, int maxBytes, CancellationToken cancellationToken)
    {
        using MemoryStream all = new();
        byte[] buffer = new byte[16 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
        {
            if (all.Length + read > maxBytes)
            {
                return null;
            }

            await all.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
        }

        return all.ToArray();
    }
}
