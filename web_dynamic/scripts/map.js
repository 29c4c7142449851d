'use strict';

// The map beside the results: a pin for each card with a position, linked in both directions. Pins are for the pointer;
// the cards offer the same to the keyboard and to screen readers.
(function () {
  const $places = $('section.places');
  const $again = $('.map .again');
  const area = document.querySelector('.filters [name=bbox]');
  const element = document.getElementById('map');
  const map = L.map(element, {
    attributionControl: false, zoomControl: false, scrollWheelZoom: false, trackResize: false, worldCopyJump: true,
    minZoom: 0, maxZoom: 18, zoomSnap: element.dataset.tiles ? 1 : 0.25 // tiles are blurred between two zoom levels
  });
  const pins = L.featureGroup().addTo(map);
  let searched = ''; // the area that the map was last fitted to
  let moving = false; // whether the script moves the map, and not the user
  let moved = false;

  function move (how) {
    moving = true;
    how();
    moving = false;
  }

  // The selected area, or null. An area across the date line continues beyond 180 degrees.
  function chosen () {
    const [west, south, east, north] = area.value.split(',').map(Number);
    const makesSense = area.checked && [west, south, east, north].every(Number.isFinite);
    return makesSense ? L.latLngBounds([south, west], [north, east < west ? east + 360 : east]) : null;
  }

  function fit () {
    const within = chosen();
    const bounds = within || pins.getBounds();
    if (bounds.isValid()) {
      const padding = within ? [0, 0] : [40, 40];
      move(() => map.fitBounds(bounds, { animate: false, maxZoom: 14, padding }));
    } else {
      move(() => map.setView([25, 0], 1, { animate: false }));
    }
    searched = area.checked ? area.value : '';
    moved = false;
    $again.prop('hidden', true);
  }

  // The longitude east of the widest gap: starting there, places on both sides of the date line lie side by side.
  function begin (longitudes) {
    const sorted = [...longitudes].sort((one, other) => one - other);
    const gaps = sorted.map((each, index) => index ? each - sorted[index - 1] : each + 360 - sorted.at(-1));
    return sorted[gaps.indexOf(Math.max(...gaps))];
  }

  function pin (card, west) {
    const { latitude, longitude } = card.dataset;
    const price = document.createElement('span');
    price.textContent = $(card).find('.price_by_night').text();
    const marker = L.marker([Number(latitude), Number(longitude) + (Number(longitude) < west ? 360 : 0)], {
      icon: L.divIcon({ className: 'pin', html: price, iconSize: null }), keyboard: false, riseOnHover: true
    });
    marker.on('mouseover mouseout', event => $(card).toggleClass('lit', event.type === 'mouseover'));
    marker.on('click', () => $(card).find('h2 a').trigger('focus'));
    $(card).data('pin', marker);
    return marker;
  }

  function draw () {
    pins.clearLayers();
    const cards = $places.children('article[data-latitude]').get();
    const within = chosen();
    const west = within ? within.getWest() : begin(cards.map(card => Number(card.dataset.longitude)));
    cards.forEach(card => pins.addLayer(pin(card, west)));
    if (!area.checked || area.value !== searched) {
      fit();
    }
  }

  if (element.dataset.tiles) {
    // The tile server sees the origin of the site, but not the address of the search.
    L.tileLayer(element.dataset.tiles, { maxZoom: 18, referrerPolicy: 'origin' }).addTo(map);
  }
  map.getPane('markerPane').setAttribute('aria-hidden', 'true');
  map.on('focus', () => map.scrollWheelZoom.enable()).on('blur', () => map.scrollWheelZoom.disable());
  map.on('move', function () { // the background moves with the pins
    const { x, y } = L.DomUtil.getPosition(map.getPane('mapPane'));
    element.style.backgroundPosition = `${x}px ${y}px`;
  }).on('moveend', function () {
    if (!moving) {
      moved = true;
      $again.prop('hidden', false);
    }
  });
  new ResizeObserver(function () {
    move(() => map.invalidateSize({ animate: false, pan: false }));
    if (!moved) {
      fit();
    }
  }).observe(element);

  $places.on('mouseenter focusin mouseleave focusout', 'article', function (event) {
    const marker = $(this).data('pin');
    if (marker) {
      const lit = event.type === 'mouseenter' || event.type === 'focusin';
      marker.setZIndexOffset(lit ? 1000 : 0);
      $(marker.getElement()).toggleClass('lit', lit);
    }
  }).on('drawn', draw);

  $('.zoom button').on('click', function () {
    map.zoomIn($(this).is(':first-child') ? 1 : -1);
  });

  $('.toggle').on('click', function () {
    const open = $('.map').toggleClass('open').hasClass('open');
    $(this).attr('aria-expanded', open);
  });

  $again.on('click', function () {
    const bounds = map.getBounds();
    const whole = bounds.getEast() - bounds.getWest() >= 360;
    const corners = [bounds.getSouthWest(), bounds.getNorthEast()];
    const [west, east] = whole ? [-180, 180] : corners.map(corner => corner.wrap().lng);
    const latitudes = [bounds.getSouth(), bounds.getNorth()].map(each => Math.max(-90, Math.min(90, each)));
    area.value = [west, latitudes[0], east, latitudes[1]].map(each => Number(each.toFixed(5))).join(',');
    area.checked = true;
    searched = west === bounds.getWest() ? area.value : ''; // otherwise the map shows another copy of the world
    moved = false;
    element.focus({ preventScroll: true }); // the button is hidden next
    $again.prop('hidden', true);
    $(area).trigger('change');
  });

  draw();
})();
