using System.Buffers;
using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>Moves versions between workspaces: everything about one in one zip file, taken in elsewhere with the same digests.</summary>
/// <remarks>Thread-safe. The format is described in docs/guides/bundles.md. A bundle is not secret and not signed by itself: the digest of an export, or a signature in it, says whether it is the one that was sent.</remarks>
public sealed partial class ModelBundles
{
    private const int MaxSignatures = 100;
    private const int MaxSignatureBytes = 1 << 20;
    private const int MaxLineageBytes = 16 << 20;
    private const int MaxSections = 200;
    private const int MaxTags = 500;
    private readonly ILedger _ledger;
    private readonly IArtifactStore _artifacts;
    private readonly ModelRegistry _registry;

    /// <summary>Creates the service.</summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="artifacts">Where manifests and files are.</param>
    /// <param name="registry">The registry over both.</param>
    public ModelBundles(ILedger ledger, IArtifactStore artifacts, ModelRegistry registry)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(registry);
        (_ledger, _artifacts, _registry) = (ledger, artifacts, registry);
    }

    /// <summary>Writes a version with its files, lineage, card and signatures as one zip. Memory does not depend on the size of the model.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version's number.</param>
    /// <param name="destination">Where the zip goes; it need not seek, and is not closed. What is there after an error is no bundle.</param>
    /// <param name="options">What else is taken along; null for nothing.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>What was written. Exporting the same again, with nothing new on the ledger about it, gives the same bytes.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such version (<c>registry.version_not_found</c>), or a file of it is gone (<c>artifact.not_found</c>).</exception>
    /// <exception cref="MlopsIntegrityException">A file is not what was registered; code <c>artifact.corrupt</c>.</exception>
    /// <exception cref="MlopsDataException">A signature's name or size breaks the rules; code <c>bundle.invalid_signature</c>.</exception>
    public async ValueTask<BundleExport> ExportAsync(string model, int version, Stream destination, BundleExportOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(destination);
        ModelVersion found = await _registry.FindVersionAsync(model, version, cancellationToken).ConfigureAwait(false)
            ?? throw new MlopsNotFoundException("registry.version_not_found", $"There is no version {version} of model {RegistryRules.Show(model)} to export.");
        SortedDictionary<string, ReadOnlyMemory<byte>> signatures = CheckSignatures(options);
        byte[] manifestBytes = await _artifacts.ReadAsync(found.Digest, RegistryRules.MaxManifestBytes, cancellationToken).ConfigureAwait(false);
        ModelManifest manifest = ManifestDocument.Read(found, manifestBytes);
        Lineage lineage = await ReadLineageAsync(found, cancellationToken).ConfigureAwait(false);
        List<(BundleEntry Entry, ReadOnlyMemory<byte>? Bytes)> parts =
        [
            .. manifest.Files.Select(f => (new BundleEntry(BundleNames.Files + f.Name, f.Digest, f.Length), (ReadOnlyMemory<byte>?)null)),
            Part(BundleNames.Lineage, lineage.Lines),
            Part(BundleNames.Manifest, manifestBytes),
            .. signatures.Select(s => Part(BundleNames.Signatures + s.Key, s.Value)),
        ];
        parts.Sort((a, b) => string.CompareOrdinal(a.Entry.Name, b.Entry.Name));
        BundleDocument document = new(BundleDocument.CurrentFormat, model, found.Digest, found.Status, lineage.Source, [.. parts.Select(p => p.Entry)]) { Facts = lineage.Facts };
        byte[] documentBytes = document.Write();

        using BundleWriter writer = new(destination);
        await AddAsync(writer, BundleNames.Document, documentBytes, cancellationToken).ConfigureAwait(false);
        foreach ((BundleEntry entry, ReadOnlyMemory<byte>? bytes) in parts)
        {
            if (bytes is { } known)
            {
                await AddAsync(writer, entry.Name, known, cancellationToken).ConfigureAwait(false);
                continue;
            }

            Stream file = await _artifacts.OpenAsync(entry.Digest, cancellationToken).ConfigureAwait(false);
            await using (file.ConfigureAwait(false))
            {
                await writer.AddAsync(entry.Name, entry.Length, file, cancellationToken).ConfigureAwait(false);
            }
        }

        Digest digest = await writer.FinishAsync(cancellationToken).ConfigureAwait(false);
        return new BundleExport(Describe(document, manifest, lineage.Count), digest, writer.Length);
    }

    /// <summary>Reads and checks a bundle whole, without storing anything.</summary>
    /// <param name="bundle">The zip, from its start; one that cannot seek is copied to a temporary file. Not closed.</param>
    /// <param name="options">What is accepted; null for defaults.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>What is in it.</returns>
    /// <exception cref="MlopsDataException">It is no bundle (<c>bundle.unreadable</c>), holds what no bundle does (<c>bundle.unsafe</c>), lacks a file (<c>bundle.incomplete</c>), or is too large (<c>bundle.too_large</c>).</exception>
    /// <exception cref="MlopsIntegrityException">A file is not what its digest says (<c>bundle.corrupt</c>), or the bundle is of a newer format (<c>bundle.newer_format</c>).</exception>
    public static async ValueTask<BundleInfo> ReadAsync(Stream bundle, BundleImportOptions? options = null, CancellationToken cancellationToken = default)
    {
        Source source = await Source.OpenAsync(bundle, Checked(options).MaxBytes, cancellationToken).ConfigureAwait(false);
        await using (source.ConfigureAwait(false))
        {
            Content content = await CheckAsync(source.Stream, Checked(options), cancellationToken).ConfigureAwait(false);
            return Describe(content.Document, content.Manifest, content.Lines);
        }
    }

    /// <summary>Takes a bundle in: checks it whole, stores its files and registers the version under the next number here, with the digest that it has everywhere.</summary>
    /// <param name="bundle">The zip, from its start; one that cannot seek is copied to a temporary file. Not closed.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="options">What is accepted; null for defaults.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The version. Taking the same bundle in again answers with the version that is there and writes nothing to the ledger.</returns>
    /// <remarks>
    /// The entry <c>bundle.imported</c> in the same commit says where it came from; the ledger entries about it there are kept as an artifact.
    /// Aliases are not moved and approvals not taken over: those are decisions of this workspace.
    /// </remarks>
    /// <exception cref="MlopsDataException">See <see cref="ReadAsync(Stream, BundleImportOptions?, CancellationToken)"/>; nothing was stored.</exception>
    /// <exception cref="MlopsIntegrityException">See <see cref="ReadAsync(Stream, BundleImportOptions?, CancellationToken)"/>; nothing was stored.</exception>
    /// <exception cref="MlopsDeniedException">A guard said no: the files are stored, the version is not registered.</exception>
    public async ValueTask<BundleImport> ImportAsync(Stream bundle, string reason, BundleImportOptions? options = null, CancellationToken cancellationToken = default)
    {
        RegistryRules.CheckReason(reason);
        BundleImportOptions accepted = Checked(options);
        Source source = await Source.OpenAsync(bundle, accepted.MaxBytes, cancellationToken).ConfigureAwait(false);
        await using (source.ConfigureAwait(false))
        {
            Content content = await CheckAsync(source.Stream, accepted, cancellationToken).ConfigureAwait(false);
            await StoreAsync(source.Stream, content, cancellationToken).ConfigureAwait(false);
            BundleDocument document = content.Document;
            BundleEntry lineage = document.Entries.First(e => e.Name == BundleNames.Lineage);
            (ModelVersion version, bool made) = await _registry.TakeInAsync(
                content.Manifest,
                document.Manifest,
                document.Status,
                reason,
                document.Source.Parent,
                (number, first) => Companions(document, lineage, number, first && accepted.TakeFacts, accepted.TakeFacts, reason),
                cancellationToken).ConfigureAwait(false);
            return new BundleImport(version, made, Describe(document, content.Manifest, content.Lines));
        }
    }

    private static List<LedgerDraft> Companions(BundleDocument document, BundleEntry lineage, int number, bool describes, bool takesFacts, string reason)
    {
        LedgerResource resource = new("model", document.Model, number, document.Manifest);
        BundleEntry[] signatures = [.. document.Entries.Where(e => e.Name.StartsWith(BundleNames.Signatures, StringComparison.Ordinal))];
        BundleImportNote note = new(document.Model, number, document.Manifest, document.Source, lineage.Digest, lineage.Length) { Signatures = signatures.Length > 0 ? signatures : null };
        List<LedgerDraft> drafts = [new(BundleKinds.Imported, resource, reason, JsonSerializer.SerializeToElement(note, BundleJson.Default.BundleImportNote))];
        string written = $"Written in workspace {document.Source.Workspace}; came in with a bundle.";
        if (describes && document.Facts is { } facts && (facts.Description ?? facts.Owner) is not null)
        {
            drafts.Add(new(LedgerKinds.ModelDescribed, new LedgerResource("model", document.Model), written, LedgerData.Of(new DescriptionNote(document.Model, facts.Description, facts.Owner))));
        }

        if (takesFacts)
        {
            drafts.AddRange((document.Facts?.Tags ?? new Dictionary<string, string>()).OrderBy(t => t.Key, StringComparer.Ordinal)
                .Select(t => new LedgerDraft(LedgerKinds.TagSet, resource, written, LedgerData.Of(new TagNote(document.Model, number, t.Key, t.Value)))));
            drafts.AddRange((document.Facts?.Card ?? new Dictionary<string, string>()).OrderBy(t => t.Key, StringComparer.Ordinal)
                .Select(t => new LedgerDraft(LedgerKinds.CardEdited, resource, written, LedgerData.Of(new CardNote(document.Model, number, t.Key, t.Value)))));
        }

        return drafts;
    }

    private async ValueTask StoreAsync(Stream zip, Content content, CancellationToken cancellationToken)
    {
        foreach (BundleEntry entry in content.Document.Entries)
        {
            for (bool there = false; !there;)
            {
                Stream part = BundleZip.Open(zip, content.Entries[entry.Name]);
                await using (part.ConfigureAwait(false))
                {
                    ArtifactInfo stored = await _artifacts.WriteAsync(part, cancellationToken).ConfigureAwait(false);
                    if (stored.Digest != entry.Digest)
                    {
                        throw Corrupt(entry.Name); // the file changed after it was checked
                    }
                }

                // what was there already may be old: a collection must leave it until the version names it
                there = await _artifacts.TouchAsync(entry.Digest, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask<Lineage> ReadLineageAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        IReadOnlyList<LedgerEntry> history = await _registry.HistoryAsync(version.Model, cancellationToken).ConfigureAwait(false);
        ArrayBufferWriter<byte> lines = new();
        LedgerEntry? registration = null;
        FactsBuilder facts = new(version.Number);
        int count = 0;
        foreach (LedgerEntry entry in history.Where(e => IsAbout(e, version)))
        {
            if (entry.Kind == LedgerKinds.VersionRegistered && entry.Outcome == LedgerOutcome.Done && entry.Resource.Version == version.Number && entry.Resource.Digest == version.Digest)
            {
                registration ??= entry;
            }

            facts.Take(entry);
            if (lines.WrittenCount < MaxLineageBytes) // a version with a million deployments: the oldest entries are kept, the registration among them
            {
                EntryCodec.Write(lines, entry); // the bytes that stand in the ledger, so that they can be proven against its checkpoints
                lines.Write("\n"u8);
                count++;
            }
        }

        if (registration is null)
        {
            throw new MlopsNotFoundException("registry.version_not_found", $"The ledger has no entry that registered {version}.");
        }

        Digest? parent = version.Parent is { } p ? (await _registry.FindVersionAsync(version.Model, p, cancellationToken).ConfigureAwait(false))?.Digest : null;
        ModelManifest manifest = await _registry.ReadManifestAsync(version, cancellationToken).ConfigureAwait(false);
        BundleSource source = new(await WorkspaceAsync(cancellationToken).ConfigureAwait(false), version.Number, registration.Number, registration.Id, registration.Actor.Id, registration.Reason, registration.Time)
        {
            RunId = manifest.RunId,
            Parent = parent,
            Aliases = await AliasesAsync(version, cancellationToken).ConfigureAwait(false),
        };
        return new Lineage(lines.WrittenMemory, count, source, facts.Build());
    }

    private async ValueTask<IReadOnlyList<string>?> AliasesAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        ModelSummary? summary = await _registry.FindModelAsync(version.Model, cancellationToken).ConfigureAwait(false);
        string[] aliases = [.. (summary?.Aliases ?? new Dictionary<string, int>()).Where(a => a.Value == version.Number).Select(a => a.Key).Order(StringComparer.Ordinal)];
        return aliases.Length > 0 ? aliases : null;
    }

    private async ValueTask<string> WorkspaceAsync(CancellationToken cancellationToken)
    {
        await foreach (LedgerEntry entry in _ledger.ReadAsync(0, cancellationToken).ConfigureAwait(false))
        {
            return entry.Id;
        }

        return string.Empty;
    }

    /// <summary>Tells whether an entry belongs to a version's story: about it, about the whole model, the run that made it, or an alias that left it.</summary>
    private static bool IsAbout(LedgerEntry entry, ModelVersion version) => entry.Resource.Kind switch
    {
        "model" => entry.Resource.Name == version.Model && (entry.Resource.Version is null || entry.Resource.Version == version.Number
            || (entry.Kind == LedgerKinds.AliasMoved && LedgerData.TryRead(entry.Data, out AliasNote? move) && move.From == version.Number)),
        "run" => version.RunId is not null && entry.Resource.Name == version.RunId,
        _ => false,
    };

    private static SortedDictionary<string, ReadOnlyMemory<byte>> CheckSignatures(BundleExportOptions? options)
    {
        SortedDictionary<string, ReadOnlyMemory<byte>> signatures = new(StringComparer.Ordinal);
        foreach ((string name, ReadOnlyMemory<byte> bytes) in options?.Signatures ?? new Dictionary<string, ReadOnlyMemory<byte>>())
        {
            if (!BundleNames.IsFile(name) || bytes.Length > MaxSignatureBytes || signatures.Count == MaxSignatures)
            {
                throw new MlopsDataException("bundle.invalid_signature", $"A bundle carries at most {MaxSignatures} signatures of at most {MaxSignatureBytes} bytes, named by 1 to 128 of 'a-z', '0-9', '.', '_' and '-'; found {RegistryRules.Show(name)} of {bytes.Length} bytes.");
            }

            signatures.Add(name, bytes);
        }

        return signatures;
    }

    private static (BundleEntry Entry, ReadOnlyMemory<byte>? Bytes) Part(string name, ReadOnlyMemory<byte> bytes) => (new BundleEntry(name, Digest.Of(bytes.Span), bytes.Length), bytes);

    private static async ValueTask AddAsync(BundleWriter writer, string name, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        using MemoryStream content = new(bytes.ToArray(), writable: false);
        await writer.AddAsync(name, bytes.Length, content, cancellationToken).ConfigureAwait(false);
    }

    private static BundleInfo Describe(BundleDocument document, ModelManifest manifest, int lines) => new(
        document.Model,
        document.Manifest,
        document.Source,
        manifest.Files,
        [.. document.Entries.Where(e => e.Name.StartsWith(BundleNames.Signatures, StringComparison.Ordinal)).Select(e => e.Name[BundleNames.Signatures.Length..])],
        lines);

    private static BundleImportOptions Checked(BundleImportOptions? options)
    {
        options ??= new BundleImportOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxBytes);
        return options;
    }

    private static MlopsDataException Incomplete(string name) => new("bundle.incomplete", $"The bundle lacks '{name}'. Nothing was stored; export the version again.");

    private static MlopsIntegrityException Corrupt(string name) => new("bundle.corrupt", $"'{name}' of the bundle is not what its digest says. Nothing was registered; export the version again.");

    private sealed record Content(BundleDocument Document, ModelManifest Manifest, Dictionary<string, ZipEntry> Entries, int Lines);

    private sealed record Lineage(ReadOnlyMemory<byte> Lines, int Count, BundleSource Source, BundleFacts? Facts);

    /// <summary>The bytes of a bundle, seekable: the caller's stream, or a copy in a file that goes with its handle.</summary>
    private sealed class Source(Stream stream, bool owned) : IAsyncDisposable
    {
        internal Stream Stream => stream;

        internal static async ValueTask<Source> OpenAsync(Stream bundle, long maxBytes, CancellationToken cancellationToken)
        {
            ArgumentNullException.ThrowIfNull(bundle);
            if (bundle.CanSeek && bundle.Position == 0)
            {
                return bundle.Length <= maxBytes ? new Source(bundle, false) : throw BundleZip.TooLarge(maxBytes);
            }

            FileStream spool = new(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 0, FileOptions.DeleteOnClose | FileOptions.Asynchronous);
            byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 17);
            try
            {
                while (await bundle.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
                {
                    if (spool.Length + read > maxBytes)
                    {
                        throw BundleZip.TooLarge(maxBytes);
                    }

                    await spool.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                }
            }
            catch
            {
                await spool.DisposeAsync().ConfigureAwait(false);
                throw;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }

            return new Source(spool, true);
        }

        public ValueTask DisposeAsync() => owned ? stream.DisposeAsync() : default;
    }

    /// <summary>Folds what people wrote about a version.</summary>
    private sealed class FactsBuilder(int number)
    {
        private readonly SortedDictionary<string, string> _tags = new(StringComparer.Ordinal);
        private readonly SortedDictionary<string, string> _ofModel = new(StringComparer.Ordinal);
        private readonly SortedDictionary<string, string> _ofVersion = new(StringComparer.Ordinal);
        private string? _description;
        private string? _owner;

        internal void Take(LedgerEntry entry)
        {
            if (entry.Outcome != LedgerOutcome.Done || entry.Format != 1)
            {
                return;
            }

            switch (entry.Kind)
            {
                case LedgerKinds.ModelDescribed when LedgerData.TryRead(entry.Data, out DescriptionNote? note):
                    (_description, _owner) = (note.Description ?? _description, note.Owner ?? _owner);
                    break;
                case LedgerKinds.TagSet when LedgerData.TryRead(entry.Data, out TagNote? note) && note.Version == number:
                    Set(_tags, note.Key, note.Value);
                    break;
                case LedgerKinds.CardEdited when LedgerData.TryRead(entry.Data, out CardNote? note) && (note.Version is null || note.Version == number):
                    Set(note.Version is null ? _ofModel : _ofVersion, note.Section, note.Text.Length == 0 ? null : note.Text);
                    break;
            }
        }

        internal BundleFacts? Build()
        {
            SortedDictionary<string, string> card = new(_ofModel, StringComparer.Ordinal);
            foreach ((string section, string text) in _ofVersion)
            {
                card[section] = text;
            }

            return new BundleFacts
            {
                Description = _description is { Length: > 0 } ? _description : null,
                Owner = _owner is { Length: > 0 } ? _owner : null,
                Tags = _tags.Count > 0 ? _tags : null,
                Card = card.Count > 0 ? card : null,
            };
        }

        private static void Set(SortedDictionary<string, string> all, string key, string? value)
        {
            if (value is null)
            {
                all.Remove(key);
            }
            else
            {
                all[key] = value;
            }
        }
    }
}
