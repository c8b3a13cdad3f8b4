using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Registry;

/// <summary>Checks the pages of webhook deliveries. The oldest pages of a target are taken away in order, so that a gap is a page that is gone.</summary>
internal sealed class DeliveryInspector : IStoreInspector
{
    private const string Prefix = "webhooks/";

    public string Area => "webhooks";

    public IReadOnlyList<string> Prefixes => [Prefix];

    public ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IStoreInspection>(new Inspection(context));

    private sealed class Inspection(StoreInspectionContext context) : IStoreInspection
    {
        private readonly ConcurrentDictionary<string, Pages> _targets = new(StringComparer.Ordinal);

        public async ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default)
        {
            if (found.Key.Value.Split('/') is not [_, var target, "deliveries", { Length: 8 } number] || !Webhooks.IsName(target)
                || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int page))
            {
                return StoreFinding.UnknownObject(found.Key, "an object below 'webhooks/' whose key is no page of deliveries");
            }

            _targets.GetOrAdd(target, _ => new Pages()).Add(page);
            await new DeliveryHistory(context.Store, target, 1).ReadAsync(page, cancellationToken).ConfigureAwait(false);
            context.Count(found.Length);
            return null;
        }

        public async IAsyncEnumerable<StoreFinding> FinishAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask.ConfigureAwait(false);
            foreach ((string target, Pages pages) in _targets)
            {
                // one gap is named by its first page: a hostile number must not make a million findings
                foreach (int page in pages.Gaps())
                {
                    string key = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{target}/deliveries/{page:D8}");
                    if (await context.Store.HeadAsync(ObjectKey.Parse(key), cancellationToken).ConfigureAwait(false) is null)
                    {
                        yield return new StoreFinding(StoreFindingKind.Missing, key, "a page of deliveries between an earlier and a later one", "no such object", "Restore it from a copy. Only the history of deliveries is lost: nothing is sent again or left out.");
                    }
                }
            }
        }

        /// <summary>The pages of a target as they come, in almost any order; few, because old ones are taken away.</summary>
        private sealed class Pages
        {
            private const int Most = 100_000;
            private readonly SortedSet<int> _pages = [];

            internal void Add(int page)
            {
                lock (_pages)
                {
                    if (_pages.Count < Most)
                    {
                        _pages.Add(page);
                    }
                }
            }

            internal IEnumerable<int> Gaps() => _pages.Zip(_pages.Skip(1)).Where(p => p.Second != p.First + 1).Select(p => p.First + 1);
        }
    }
}
