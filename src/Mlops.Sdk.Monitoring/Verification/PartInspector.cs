namespace Mlops.Sdk.Monitoring;

/// <summary>Checks open windows: <c>monitoring/parts/MODEL/ID</c>. They come and go while hosts run.</summary>
internal sealed class PartInspector : IStoreInspector
{
    public string Area => "open-windows";

    public IReadOnlyList<string> Prefixes => [WindowParts.Prefix];

    public ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IStoreInspection>(new Inspection(context));

    private sealed class Inspection(StoreInspectionContext context) : IStoreInspection
    {
        public async ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default)
        {
            if (await context.ReadAsync(found.Key, WindowPart.MaxBytes, cancellationToken).ConfigureAwait(false) is not { } bytes)
            {
                return null; // closed meanwhile
            }

            WindowPart part = WindowPart.Read(bytes);
            return WindowParts.KeyOf(part.Window.Model, part.Window.Id) == found.Key
                ? null
                : throw new FormatException($"it is the open window '{part.Window.Id}' of '{part.Window.Model}'");
        }

        public IAsyncEnumerable<StoreFinding> FinishAsync(CancellationToken cancellationToken = default) => AsyncEnumerable.Empty<StoreFinding>();
    }
}
